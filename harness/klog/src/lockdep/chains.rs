//! /proc/lockdep_chains: every order in which locks were held together (`lc_show`, kernel/locking/lockdep_proc.c).

use serde::Serialize;

use super::TableError;
use super::classes::keyed;
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

/// Parses the text of /proc/lockdep_chains. A last line that is cut is left out.
pub fn parse(text: &str) -> Result<Vec<Chain>, TableError> {
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    if header.trim_start_matches("(buggered) ") != HEADER {
        return Err(TableError::Header { expected: HEADER });
    }
    let last = text.lines().count();
    let mut chains: Vec<Chain> = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let parsed = match line.strip_prefix("irq_context: ") {
            Some(context) => {
                chains.push(Chain { context: context.to_owned(), classes: Vec::new() });
                Some(())
            }
            None => keyed(line).zip(chains.last_mut()).map(|((_, class), chain)| chain.classes.push(class)),
        };
        if parsed.is_none() && index + 1 < last {
            return Err(TableError::Line { line: index + 1 });
        }
    }
    Ok(chains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_with_their_context() {
        let text =
            "all lock chains:\nirq_context: 0\n[1] a\n[2] b#2/1\n\nirq_context: hardirq|softirq\n[1] a\n\n";
        let chains = parse(text).unwrap();
        let names = |chain: &Chain| chain.classes.iter().map(LockClass::to_string).collect::<Vec<_>>();
        assert_eq!(names(&chains[0]), ["a", "b#2/1"]);
        assert_eq!(
            (chains[1].context.as_str(), names(&chains[1])),
            ("hardirq|softirq", vec!["a".to_owned()])
        );
        assert_eq!(parse("x"), Err(TableError::Header { expected: HEADER }));
        assert_eq!(parse("(buggered) all lock chains:\n[1] a\n\n"), Err(TableError::Line { line: 2 }));
    }
}
