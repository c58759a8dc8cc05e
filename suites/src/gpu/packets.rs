//! What a job does, as the command words of a GPU.

use std::time::Duration;

use crate::case::Stop;
use crate::uapi::twin::{self, Op};

/// One step of a job. Addresses are the GPU's, lengths bytes and multiples of 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Fill { to: u64, len: u64, word: u64 },
    Copy { to: u64, from: u64, len: u64 },
    Checksum { to: u64, from: u64, len: u64 },
    Delay(Duration),
    Hang,
}

/// Whose command words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The twins' own.
    Twin,
    /// amdgpu's graphics rings: PM4 packets (drivers/gpu/drm/amd/amdgpu/soc15d.h).
    Pm4,
    /// i915's command streamers: MI commands (drivers/gpu/drm/i915/gt/intel_gpu_commands.h), generation 8 and later.
    Mi,
}

/// `PACKET3_NOP` that fills one word; rings want multiples of 8 words.
const PM4_NOP: u32 = 0xffff_1000;
/// `PACKET3_WRITE_DATA`.
const PM4_WRITE_DATA: u32 = 0x37;
/// Destination memory, write confirmed: `WRITE_DATA_DST_SEL(5) | WR_CONFIRM`.
const PM4_TO_MEMORY: u32 = 5 << 8 | 1 << 20;
/// Words of data in one packet, well below the count's 14 bits.
const PM4_MOST: usize = 1024;
/// `MI_BATCH_BUFFER_END`.
const MI_END: u32 = 0x0a << 23;
/// `MI_STORE_QWORD_IMM_GEN8`, two words of data.
const MI_STORE_QWORD: u32 = 0x20 << 23 | 1 << 21 | 3;

impl Dialect {
    /// The words of these steps, one after another.
    ///
    /// # Errors
    /// Skips a step that real hardware is not asked for here.
    pub(super) fn encode(self, actions: &[Action]) -> Result<Vec<u32>, Stop> {
        match self {
            Dialect::Twin => Ok(actions.iter().flat_map(op).chain(Op::default().words()).collect()),
            Dialect::Pm4 => {
                let mut words = fills(actions, pm4_fill)?;
                let end = (words.len() + 1).next_multiple_of(8);
                words.resize(end, PM4_NOP);
                Ok(words)
            }
            Dialect::Mi => {
                let mut words = fills(actions, mi_fill)?;
                words.push(MI_END);
                words.resize(words.len().next_multiple_of(2), 0);
                Ok(words)
            }
        }
    }
}

/// A batch for an Intel command streamer of generation 8 or later that writes `word` to the GPU's address `to`.
pub(crate) fn intel_store(to: u64, word: u64) -> Vec<u32> {
    let mut words = Vec::new();
    mi_fill(&mut words, to, 8, word);
    words.push(MI_END);
    words
}

fn op(action: &Action) -> [u32; 8] {
    let (op, len, dst, src) = match *action {
        Action::Fill { to, len, word } => (twin::FILL, len, to, word),
        Action::Copy { to, from, len } => (twin::COPY, len, to, from),
        Action::Checksum { to, from, len } => (twin::CHECKSUM, len, to, from),
        Action::Delay(time) => (twin::DELAY, 0, 0, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        Action::Hang => (twin::HANG, 0, 0, 0),
    };
    Op { op, pad: 0, len, dst, src }.words()
}

/// Real hardware is asked to write words, and for nothing else: the packets for that are the same on all generations.
fn fills(actions: &[Action], fill: fn(&mut Vec<u32>, u64, u64, u64)) -> Result<Vec<u32>, Stop> {
    let mut words = Vec::new();
    for action in actions {
        match *action {
            Action::Fill { to, len, word } => fill(&mut words, to, len, word),
            other => return Err(Stop::skip(format!("on real hardware no job can do this: {other:?}"))),
        }
    }
    Ok(words)
}

fn pm4_fill(words: &mut Vec<u32>, to: u64, len: u64, word: u64) {
    let halves = [word as u32, (word >> 32) as u32];
    let data: Vec<u32> = halves.into_iter().cycle().take(len as usize / 4).collect();
    let mut at = to;
    for piece in data.chunks(PM4_MOST) {
        let count = piece.len() as u32 + 2;
        words.extend([
            3 << 30 | count << 16 | PM4_WRITE_DATA << 8,
            PM4_TO_MEMORY,
            at as u32,
            (at >> 32) as u32,
        ]);
        words.extend(piece);
        at += piece.len() as u64 * 4;
    }
}

fn mi_fill(words: &mut Vec<u32>, to: u64, len: u64, word: u64) {
    for at in (to..to + len).step_by(8) {
        words.extend([MI_STORE_QWORD, at as u32, (at >> 32) as u32, word as u32, (word >> 32) as u32]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILL: Action = Action::Fill { to: 0x1_0000_0000, len: 16, word: 0x2222_2222_1111_1111 };

    #[test]
    fn an_empty_job_has_commands_that_do_nothing() {
        assert_eq!(Dialect::Twin.encode(&[]).unwrap(), [0; 8]);
        assert_eq!(Dialect::Pm4.encode(&[]).unwrap(), [PM4_NOP; 8]);
        assert_eq!(Dialect::Mi.encode(&[]).unwrap(), [0x0500_0000, 0]);
    }

    #[test]
    fn a_fill_names_address_and_every_word() {
        assert_eq!(
            Dialect::Twin.encode(&[FILL]).unwrap()[..8],
            [1, 0, 16, 0, 0, 1, 0x1111_1111, 0x2222_2222]
        );
        let data = [0x1111_1111, 0x2222_2222, 0x1111_1111, 0x2222_2222];
        let pm4 = Dialect::Pm4.encode(&[FILL]).unwrap();
        assert_eq!(pm4[..4], [0xc006_3700, 0x0010_0500, 0, 1]);
        assert_eq!((&pm4[4..8], pm4.len() % 8), (&data[..], 0));
        let mi = Dialect::Mi.encode(&[FILL]).unwrap();
        assert_eq!(mi[..5], [0x1020_0003, 0, 1, 0x1111_1111, 0x2222_2222]);
        assert_eq!((mi[6], mi.len() % 2), (8, 0));
    }

    #[test]
    fn a_long_fill_is_cut_into_packets() {
        let words = Dialect::Pm4.encode(&[Action::Fill { to: 0, len: 8192, word: 1 }]).unwrap();
        assert_eq!(words[0] >> 16 & 0x3fff, 1026);
        assert_eq!(words[1028 + 2], 4096);
    }

    #[test]
    fn what_only_a_twin_can_do_skips() {
        for action in [Action::Hang, Action::Delay(Duration::ZERO)] {
            assert!(matches!(Dialect::Mi.encode(&[action]), Err(Stop::Skip(_))));
        }
    }
}
