//! Property ids, asked for once: while a fence is pending, KMS queries may block where no signal reaches.

use std::collections::HashMap;

use drm::control::{Device as _, ResourceHandle};

use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;

/// The property ids of some objects, by object and name.
#[derive(Debug, Default)]
pub struct Props {
    ids: HashMap<(u32, String), u32>,
}

impl Props {
    /// Learns the properties of one more object.
    ///
    /// # Errors
    /// Fails where the kernel does not tell them.
    pub fn learn<H: ResourceHandle>(&mut self, card: &DrmFile, object: H) -> Result<(), Stop> {
        let id: u32 = object.into();
        let set = card.get_properties(object).must(&format!("get the properties of object {id}"))?;
        for (&property, _) in set.iter() {
            let info = card.get_property(property).must("get a property")?;
            let name = info.name().to_string_lossy().into_owned();
            self.ids.insert((id, name), property.into());
        }
        Ok(())
    }

    /// All of them, in a lasting order: object, property, name.
    pub fn all(&self) -> Vec<(u32, u32, String)> {
        let each = self.ids.iter().map(|((object, name), id)| (*object, *id, name.clone()));
        let mut all: Vec<_> = each.collect();
        all.sort();
        all
    }

    /// The id of an object's property; 0, which the kernel knows nowhere, where the object has none of that name.
    pub fn id(&self, object: u32, name: &str) -> u32 {
        self.ids.get(&(object, name.to_owned())).copied().unwrap_or(0)
    }
}

/// The values of an object's properties, for comparing before with after.
///
/// # Errors
/// Fails where the kernel does not tell them.
pub(super) fn values<H: ResourceHandle>(card: &DrmFile, object: H) -> Result<Vec<(u32, u64)>, Stop> {
    let set = card.get_properties(object).must("get an object's properties")?;
    Ok(set.iter().map(|(&property, &value)| (property.into(), value)).collect())
}
