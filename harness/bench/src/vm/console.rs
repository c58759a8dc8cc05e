//! What is read from the guest's console beside passing it on: the panic.

/// The words with which every panic begins (`vpanic()` in kernel/panic.c).
const PANIC: &str = "Kernel panic - not syncing: ";

/// The panic's own message, if this console line is one. The kernel puts nothing but its time stamp and caller
/// id before it.
pub(crate) fn panic_message(line: &str) -> Option<&str> {
    let (before, message) = line.split_once(PANIC)?;
    before.chars().all(|c| "[]. TC".contains(c) || c.is_ascii_digit()).then(|| message.trim_end())
}

#[cfg(test)]
mod tests {
    use super::panic_message;

    #[test]
    fn a_panic_is_told_with_and_without_caller() {
        let plain = "Kernel panic - not syncing: sysrq triggered crash";
        assert_eq!(panic_message(plain), Some("sysrq triggered crash"));
        let stamped = format!("[    5.000001][   T71] {plain}\r");
        assert_eq!(panic_message(&stamped), Some("sysrq triggered crash"));
        assert_eq!(panic_message(&format!("[    5.000001][   C1] {plain}")), Some("sysrq triggered crash"));
    }

    #[test]
    fn a_line_that_quotes_a_panic_is_none() {
        assert_eq!(panic_message("my-test: saw Kernel panic - not syncing: x"), None);
        assert_eq!(panic_message("[    5.000001] ---[ end Kernel panic - not syncing: x ]---"), None);
    }
}
