//! A device's own buffer, exported and imported again.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::errno::Errno;

use crate::buffer::{Dumb, Gem, Map};
use crate::case::Tested;
use crate::check_eq;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::{mode, prime};

pub(super) fn same_file(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    let dmabuf = dumb.gem().export()?;
    let handle = prime::fd_to_handle(card.as_ref(), dmabuf.as_fd().as_raw_fd());
    check_eq!(handle, Ok(dumb.gem().handle()), "the handle of the own buffer, imported again");
    let number = dumb.gem().handle();
    drop(dumb);
    // One close ends the one handle that export and import shared.
    prime::gem_close(card.as_ref(), number).refused("close the handle a second time", Errno::EINVAL)?;
    let back = Gem::import(&card, &dmabuf).must("import the own buffer after its handle went")?;
    check_eq!(back.export()?.size(), dmabuf.size(), "the size of the buffer that came back");
    Ok(())
}

pub(super) fn other_file(ctx: &mut Ctx) -> Tested {
    let (here, there) = (Arc::new(DrmFile::card(ctx.device(0))?), Arc::new(DrmFile::card(ctx.device(0))?));
    let dumb = Dumb::new(&here, 64, 64)?;
    let dmabuf = dumb.gem().export()?;
    let gem = Gem::import(&there, &dmabuf).must("import into another file of the device")?;
    check_eq!(gem.export()?.identity()?, dmabuf.identity()?, "the identity by the other file");
    // The same object, no attachment in between: the other file may map it by itself.
    let offset = mode::map_dumb(there.as_ref(), gem.handle()).must("map by the other file")?;
    let reader = Map::shared(there.as_ref(), offset, dumb.size()).must("map by the other file")?;
    dumb.map()?.fill(11, dumb.size());
    check_eq!(reader.differs(11, dumb.size()), None, "the first difference seen by the other file");
    Ok(())
}
