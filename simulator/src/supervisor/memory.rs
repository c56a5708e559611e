//! Resident memory of a process, as the kernel counts it. Linux only: elsewhere nothing is read and
//! the memory limit does not act.

use rustix::process::Pid;

/// Resident memory in bytes; none when the process is gone or the system has no `/proc`.
pub(crate) fn resident_bytes(pid: Pid) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", pid.as_raw_nonzero())).ok()?;
    resident_pages(&statm).map(|pages| pages * rustix::param::page_size() as u64)
}

/// Second field of `/proc/<pid>/statm` (proc(5)): resident set size in pages.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_field_is_the_resident_set() {
        assert_eq!(resident_pages("8214 1032 801 4 0 2711 0\n"), Some(1032));
        assert_eq!(resident_pages(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_a_process_that_is_no_more_has_none() {
        let own = resident_bytes(rustix::process::getpid()).unwrap();
        assert!(own > 100 * 1024, "{own}");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        child.wait().unwrap();
        assert_eq!(resident_bytes(pid), None);
    }
}
