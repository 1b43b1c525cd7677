//! What this process uses: /proc/self/stat, /proc/self/task/*/stat and /proc/self/statm (fs/proc/array.c).

use std::fs;
use std::io;
use std::time::Duration;

use ravelin_model::{ProcessUsage, ThreadTime};

use crate::softnet::unreadable;

/// This process, now. A thread that ends meanwhile is left out.
///
/// # Errors
/// A file cannot be read, or it is not as the kernel writes it.
pub fn process_usage() -> io::Result<ProcessUsage> {
    let tick = Duration::from_secs(1) / units(libc::_SC_CLK_TCK, 100);
    let mut threads = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let file = task?.path().join("stat");
        match fs::read(&file) {
            Ok(text) => threads.push(thread(&text, tick).ok_or_else(|| unreadable("a thread's stat"))?),
            // ESRCH: it ended while its file was open.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) => return Err(error),
        }
    }
    let process = thread(&fs::read("/proc/self/stat")?, tick).ok_or_else(|| unreadable("/proc/self/stat"))?;
    let pages = resident(&fs::read_to_string("/proc/self/statm")?);
    let pages = pages.ok_or_else(|| unreadable("/proc/self/statm"))?;
    Ok(ProcessUsage {
        cpu: process.cpu,
        threads,
        resident_bytes: pages.saturating_mul(units(libc::_SC_PAGESIZE, 4096).into()),
    })
}

/// A number the system was built with.
fn units(name: libc::c_int, usual: u32) -> u32 {
    // SAFETY: it takes a number and returns one.
    let number = unsafe { libc::sysconf(name) };
    u32::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .unwrap_or(usual)
}

/// A line of stat. The name is in parentheses and may be anything, parentheses included.
fn thread(text: &[u8], tick: Duration) -> Option<ThreadTime> {
    let text = String::from_utf8_lossy(text);
    let (id, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    // The first of these is field 3; user and system time are 14 and 15.
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some(ThreadTime {
        id: id.parse().ok()?,
        name: name.to_owned(),
        cpu: tick.saturating_mul(user.saturating_add(system)),
    })
}

/// Resident pages.
fn resident(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    /// Linux 6.18.
    const RECORDED: &str = "8245 (datapath) R 8231 8231 7535 0 -1 4194304 101 0 0 0 137 42 0 0 20 0 1 0 3798379 3133440 408 \
        18446744073709551615 94165615243264 94165615263145 140725359303184 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn what_the_kernel_wrote_is_read() {
        let expected = |name: &str| ThreadTime {
            id: 8245,
            name: name.to_owned(),
            cpu: Duration::from_millis(1790),
        };
        assert_eq!(thread(RECORDED.as_bytes(), TICK), Some(expected("datapath")));
        for name in [") R 1 2", "a (b) c)", "", "( ("] {
            let line = RECORDED.replace("datapath", name);
            assert_eq!(thread(line.as_bytes(), TICK), Some(expected(name)), "{name}");
        }
        let odd = RECORDED.as_bytes().to_vec();
        let odd: Vec<u8> = odd
            .iter()
            .map(|byte| if *byte == b'd' { 0xff } else { *byte })
            .collect();
        assert_eq!(
            thread(&odd, TICK).map(|thread| thread.cpu),
            Some(Duration::from_millis(1790))
        );
        assert_eq!(resident("765 422 394 5 0 123 0\n"), Some(422));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_not_read_as_a_time() {
        let times = RECORDED.find(" 0 0 20 0 1").expect("behind the times");
        for length in 0..times {
            let read = thread(&RECORDED.as_bytes()[..length], TICK);
            // A number that is cut off is a number all the same.
            assert!(
                read.is_none() || length > RECORDED.find("137 4").expect("times"),
                "{length}: {read:?}"
            );
        }
        for bad in [
            "",
            "()",
            "1 (x) ",
            "x (y) R 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "1 (y) R 1 1 1 1 1 1 1 1 1 1 -1 1",
        ] {
            assert_eq!(thread(bad.as_bytes(), TICK), None, "{bad}");
        }
        for bad in ["", "1", "1 x", "1 -1"] {
            assert_eq!(resident(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_thread_that_works_is_told_with_its_time() {
        let (done, work) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("busy".to_owned())
            .spawn(move || {
                let mut number = 0_u64;
                while work.try_recv() == Err(mpsc::TryRecvError::Empty) {
                    number = black_box(number.wrapping_mul(31).wrapping_add(1));
                }
            });
        let thread = thread.expect("spawn");
        let end = Instant::now() + Duration::from_secs(30);
        let busy = loop {
            let usage = process_usage().expect("read");
            let found = usage.threads.iter().find(|thread| thread.name == "busy");
            if let Some(busy) = found.filter(|busy| busy.cpu >= 5 * TICK) {
                assert!(
                    usage.cpu >= 5 * TICK && usage.resident_bytes > 1 << 20,
                    "{usage:?}"
                );
                break busy.clone();
            }
            assert!(Instant::now() < end, "{usage:?}");
            std::thread::yield_now();
        };
        drop(done);
        thread.join().expect("it ends");
        let usage = process_usage().expect("read");
        assert!(usage.threads.iter().all(|thread| thread.id != busy.id));
        // The time of a thread that ended stays with the process.
        assert!(usage.cpu >= busy.cpu, "{usage:?} {busy:?}");
    }
}
