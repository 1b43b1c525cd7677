//! What each CPU did with received packets: /proc/net/softnet_stat (net/core/net-procfs.c, `softnet_seq_show`).

use std::fs;
use std::io;

use ravelin_model::SoftnetCpu;

const FILE: &str = "/proc/net/softnet_stat";

/// Column of the CPU's number, since Linux 5.10.
const CPU: usize = 12;

/// Every CPU that is online.
///
/// # Errors
/// The file cannot be read, or it is not as the kernel writes it.
pub fn softnet_cpus() -> io::Result<Vec<SoftnetCpu>> {
    read(&fs::read_to_string(FILE)?).ok_or_else(|| unreadable(FILE))
}

/// A file that is not as it should be.
pub(crate) fn unreadable(file: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{file} is not as the kernel writes it"),
    )
}

fn read(text: &str) -> Option<Vec<SoftnetCpu>> {
    (0..)
        .zip(text.lines())
        .map(|(row, line)| cpu(row, line))
        .collect()
}

fn cpu(row: u32, line: &str) -> Option<SoftnetCpu> {
    let columns: Vec<u32> = line
        .split_ascii_whitespace()
        .map(|column| u32::from_str_radix(column, 16).ok())
        .collect::<Option<_>>()?;
    let [processed, dropped, squeezed, ..] = columns[..] else {
        return None;
    };
    Some(SoftnetCpu {
        // Where the kernel does not tell, none is offline.
        cpu: columns.get(CPU).copied().unwrap_or(row),
        processed,
        dropped,
        squeezed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18, CPU 1 of 4 offline.
    const RECORDED: &str = "\
1fbb4594 0000000a 000001d5 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
00d0ec76 00000000 00000007 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000002 00000000 00000000
ffffffff 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000003 00000000 00000000
";

    fn of(cpu: u32, processed: u32, dropped: u32, squeezed: u32) -> SoftnetCpu {
        SoftnetCpu {
            cpu,
            processed,
            dropped,
            squeezed,
        }
    }

    #[test]
    fn what_the_kernel_wrote_is_read() {
        let expected = [
            of(0, 0x1fbb_4594, 10, 469),
            of(2, 0x00d0_ec76, 0, 7),
            of(3, u32::MAX, 0, 0),
        ];
        assert_eq!(read(RECORDED).as_deref(), Some(&expected[..]));
        // Linux 5.4.
        let old = "00000010 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n";
        assert_eq!(read(&old.repeat(2)), Some(vec![of(0, 16, 1, 2), of(1, 16, 1, 2)]));
        assert_eq!(read(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_not_read_as_a_count() {
        for length in 0..RECORDED.len() {
            let cut = &RECORDED[..length];
            for cpu in read(cut).into_iter().flatten() {
                assert!(cpu.cpu < 4, "{cut:?}");
            }
        }
        for bad in ["x", "1 2", "1 2 100000000", "-1 2 3", "1 2 3 x", "\n"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn this_kernel_tells_of_every_cpu_and_counts_on() {
        let before = softnet_cpus().expect("read");
        assert!(!before.is_empty());
        let mut numbers: Vec<_> = before.iter().map(|cpu| cpu.cpu).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), before.len());
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        let address = socket.local_addr().expect("address");
        for _ in 0..100 {
            socket.send_to(b"x", address).expect("send");
        }
        let after = softnet_cpus().expect("read");
        let processed = |cpus: &[SoftnetCpu]| {
            let all = cpus.iter().map(|cpu| cpu.processed);
            all.fold(0, u32::wrapping_add)
        };
        let passed = processed(&after).wrapping_sub(processed(&before));
        assert!((100..1 << 31).contains(&passed), "{passed}");
    }
}
