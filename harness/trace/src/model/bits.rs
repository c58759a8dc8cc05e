//! A truth for each object.

/// As small as a copy for each of many marks has to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Says it of an object; of those that nothing was said of it is false.
    pub(super) fn set(&mut self, index: usize, bit: bool) {
        let (word, mask) = (index / 64, 1 << (index % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if bit {
            self.0[word] |= mask;
        } else {
            self.0[word] &= !mask;
        }
    }

    pub(super) fn get(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Those of the first so many of which it is false, rising.
    pub(super) fn zeros(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        let words = (0..len.div_ceil(64)).map(|word| (word, !self.0.get(word).copied().unwrap_or(0)));
        let each = |(word, mut left): (usize, u64)| {
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(word * 64 + bit)
            })
        };
        words.flat_map(each).take_while(move |index| *index < len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_was_said_of_is_false() {
        let mut bits = Bits::default();
        for index in [0, 64, 65, 130] {
            bits.set(index, true);
        }
        bits.set(64, false);
        assert!(bits.get(0) && bits.get(65) && bits.get(130));
        assert!(!bits.get(64) && !bits.get(129) && !bits.get(1000));
        let zeros: Vec<usize> = bits.zeros(200).collect();
        let expected: Vec<usize> = (0..200).filter(|index| !bits.get(*index)).collect();
        assert_eq!(zeros, expected);
        assert_eq!(zeros.len(), 197);
    }
}
