//! What the kernel and the image tell of the machine. Each reading that fails is None.

use std::fs;
use std::path::Path;

use rustix::fs::statvfs;
use time::OffsetDateTime;

use crate::status::{Clock, Disk, Memory, Temperature};

/// More sensors than any machine has; whatever made more of them is not believed.
const MAX_SENSORS: usize = 256;

/// Room of the file system a path is on.
pub fn disk(path: &Path) -> Option<Disk> {
    let room = statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(room.f_frsize);
    Some(Disk {
        size_bytes: bytes(room.f_blocks),
        used_bytes: bytes(room.f_blocks.saturating_sub(room.f_bfree)),
        free_bytes: bytes(room.f_bfree),
    })
}

/// Averages of the load: the start of `/proc/loadavg`.
pub fn load(proc: &Path) -> Option<[f64; 3]> {
    let text = fs::read_to_string(proc.join("loadavg")).ok()?;
    let mut values = text.split_whitespace().map(|value| value.parse().ok());
    Some([values.next()??, values.next()??, values.next()??])
}

/// Memory, of `/proc/meminfo`.
pub fn memory(proc: &Path) -> Option<Memory> {
    let text = fs::read_to_string(proc.join("meminfo")).ok()?;
    let bytes = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    };
    Some(Memory {
        total_bytes: bytes("MemTotal")?,
        available_bytes: bytes("MemAvailable")?,
    })
}

/// Seconds the kernel runs.
pub fn uptime_seconds(proc: &Path) -> Option<f64> {
    let text = fs::read_to_string(proc.join("uptime")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// What is another one at each boot.
pub fn boot_id(proc: &Path) -> Option<String> {
    let text = fs::read_to_string(proc.join("sys/kernel/random/boot_id")).ok()?;
    Some(text.trim().to_owned())
}

/// Value of a key of `os-release(5)`.
pub fn os_release(text: &str, key: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(found, _)| *found == key)
        .map(|(_, value)| value.trim_matches(['"', '\'']).to_owned())
        .filter(|value| !value.is_empty())
}

/// When the image was built: the time of this file, before which its clock never is.
pub fn built_at(clock_epoch: &Path) -> Option<OffsetDateTime> {
    fs::metadata(clock_epoch)
        .ok()?
        .modified()
        .ok()
        .map(OffsetDateTime::from)
}

/// The clock and whether the kernel follows a server (`adjtimex(2)`).
pub fn clock() -> Clock {
    // SAFETY: all zeroes is a valid timex, with modes 0: read and change nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives through the call.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    let synchronised = state >= 0 && state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0;
    Clock {
        now: OffsetDateTime::now_utc(),
        synchronised,
        maximum_error_seconds: synchronised.then(|| microseconds(timex.maxerror)),
    }
}

fn microseconds(value: libc::c_long) -> f64 {
    std::time::Duration::from_micros(u64::try_from(value).unwrap_or(0)).as_secs_f64()
}

/// What the sensors of hwmon say, and where there is none of them, those of thermal zones.
pub fn temperatures(sys: &Path) -> Vec<Temperature> {
    let sensors = hwmon(&sys.join("class/hwmon"));
    if sensors.is_empty() {
        return zones(&sys.join("class/thermal"));
    }
    sensors
}

fn hwmon(class: &Path) -> Vec<Temperature> {
    let mut found = Vec::new();
    for chip in entries(class) {
        let directory = class.join(&chip);
        let sensor = line(&directory.join("name")).unwrap_or(chip);
        for file in entries(&directory) {
            let Some(input) = file
                .strip_prefix("temp")
                .and_then(|rest| rest.strip_suffix("_input"))
            else {
                continue;
            };
            let Some(celsius) = millidegrees(&directory.join(&file)) else {
                continue;
            };
            let label = line(&directory.join(format!("temp{input}_label")));
            let sensor = sensor.clone();
            found.push(Temperature {
                sensor,
                label,
                celsius,
            });
        }
    }
    found.truncate(MAX_SENSORS);
    found
}

fn zones(class: &Path) -> Vec<Temperature> {
    let zones = entries(class)
        .into_iter()
        .filter(|zone| zone.starts_with("thermal_zone"));
    let read = zones.filter_map(|zone| {
        let directory = class.join(&zone);
        Some(Temperature {
            celsius: millidegrees(&directory.join("temp"))?,
            sensor: zone,
            label: line(&directory.join("type")),
        })
    });
    read.take(MAX_SENSORS).collect()
}

fn millidegrees(file: &Path) -> Option<f64> {
    let value: i32 = line(file)?.parse().ok()?;
    Some(f64::from(value) / 1000.0)
}

fn line(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Names in a directory, in order; none where there is no directory.
fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
