//! /proc/lockdep_chains: every order in which locks were held together (`lc_show`, kernel/locking/lockdep_proc.c).

use serde::Serialize;

use super::classes::keyed;
use super::{TableError, whole_lines};
use crate::lock::LockClass;

const HEADER: &str = "all lock chains:";

/// One chain: locks that one context held together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// `0`, `hardirq`, `softirq` or `hardirq|softirq`.
    pub context: String,
    /// The classes, the outermost first.
    pub classes: Vec<LockClass>,
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chains {
    /// Its chains, in the kernel's order.
    pub chains: Vec<Chain>,
    /// The kernel had no room left for some chain, and says so in the first line (`lc_show`).
    pub buggered: bool,
    /// The number of the last line, from 1, if the text breaks off in it. It is left out, and what stood behind it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<usize>,
}

/// What stands in front of the first line where chains are missing.
const BUGGERED: &str = "(buggered) ";

impl Chains {
    /// Is this the first line of the table?
    pub fn starts(line: &str) -> bool {
        line.strip_prefix(BUGGERED).unwrap_or(line) == HEADER
    }

    /// Parses the text of /proc/lockdep_chains. A last line that is cut is left out, and said.
    pub fn parse(text: &str) -> Result<Chains, TableError> {
        let (mut lines, cut) = whole_lines(text);
        let header = lines.next().map_or("", |(_, line)| line);
        if !Chains::starts(header) {
            return Err(TableError::Header { expected: HEADER });
        }
        let mut chains: Vec<Chain> = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let parsed = match line.strip_prefix("irq_context: ") {
                Some(context) => {
                    chains.push(Chain { context: context.to_owned(), classes: Vec::new() });
                    Some(())
                }
                None => {
                    keyed(line).zip(chains.last_mut()).map(|((_, class), chain)| chain.classes.push(class))
                }
            };
            parsed.ok_or(TableError::Line { line: number })?;
        }
        Ok(Chains { chains, buggered: header.starts_with(BUGGERED), cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "all lock chains:\nirq_context: 0\n[1] a\n[2] b#2/1\n\nirq_context: hardirq|softirq\n[1] a\n\n";

    #[test]
    fn chains_with_their_context() {
        let table = Chains::parse(TEXT).unwrap();
        let names = |chain: &Chain| chain.classes.iter().map(LockClass::to_string).collect::<Vec<_>>();
        assert_eq!(names(&table.chains[0]), ["a", "b#2/1"]);
        let second = &table.chains[1];
        assert_eq!((second.context.as_str(), names(second)), ("hardirq|softirq", vec!["a".to_owned()]));
        assert_eq!((table.buggered, table.cut), (false, None));
        assert_eq!(Chains::parse("x\n"), Err(TableError::Header { expected: HEADER }));
    }

    #[test]
    fn what_the_kernel_had_no_room_for_is_said() {
        let table = Chains::parse(&format!("(buggered) {TEXT}")).unwrap();
        assert!(table.buggered && table.chains.len() == 2);
        assert_eq!(
            Chains::parse("(buggered) all lock chains:\n[1] a\n\n"),
            Err(TableError::Line { line: 2 })
        );
    }

    #[test]
    fn a_cut_table_is_said() {
        let table = Chains::parse(&TEXT[..TEXT.find("#2/1").unwrap()]).unwrap();
        assert_eq!((table.chains.len(), table.chains[0].classes.len(), table.cut), (1, 1, Some(4)));
    }
}
