//! A machine: an emulator, what is plugged into it, its console and its power switch.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ravelin_compile::generate::Random;
use ravelin_test_harness::{RunDir, eventually};
use serde_json::json;

use crate::console::Console;
use crate::disk::{Cut, Disk};
use crate::networks::Tap;
use crate::{nbd, qmp};

/// Longest wait for an emulator to begin or to end.
const LIMIT: Duration = Duration::from_secs(60);

/// What a network card is plugged into.
#[derive(Debug, Clone, Copy)]
pub enum Cable<'a> {
    /// A network of the host's kernel.
    Tap(&'a Tap),
    /// The emulator's own network 192.168.77.0/24, its host .2. This port of 127.0.0.1 leads to 192.168.77.1:443.
    Forwarded(u16),
}

/// What starts the machine.
#[derive(Debug, Clone)]
pub enum Start {
    /// The boot sector of the disk.
    Bios,
    /// Its EFI system partition.
    Uefi,
    /// A kernel beside the disk, with its initial RAM disk and command line.
    Kernel(PathBuf, PathBuf, String),
}

/// A machine to start.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// Its only disk.
    pub disk: &'a Disk,
    /// Its cards in the order of their places: the first is the LAN of a fresh image, the second the WAN.
    pub cards: Vec<Cable<'a>>,
    /// What starts it.
    pub start: Start,
    /// What its clock shows, e.g. `1970-01-01`; None: the time.
    pub clock: Option<&'static str>,
    /// Other memory than usual, in MiB.
    pub memory_mib: Option<u32>,
}

impl<'a> Plan<'a> {
    /// The usual machine.
    pub fn new(disk: &'a Disk, cards: &[Cable<'a>]) -> Self {
        Self {
            disk,
            cards: cards.to_vec(),
            start: Start::Bios,
            clock: None,
            memory_mib: None,
        }
    }
}

/// A machine with its power on. Dropped, it is switched off; the end of its console is shown if the test is failing.
#[derive(Debug)]
pub struct Machine {
    emulator: Child,
    disk: Disk,
    server: Option<JoinHandle<()>>,
    console: Console,
    control: PathBuf,
    switched_on: SystemTime,
    // Removed when everything that uses it is gone.
    _directory: RunDir,
}

impl Machine {
    /// Switches it on.
    pub fn start(plan: &Plan<'_>) -> Self {
        let directory = RunDir::new();
        let (drive, control) = (directory.join("disk"), directory.join("control"));
        let server = nbd::serve(plan.disk, &drive).expect("serve the disk");
        let mut arguments = usual_arguments(matches!(plan.start, Start::Uefi));
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        add(&["-display", "none", "-monitor", "none"]);
        add(&[
            "-chardev",
            "stdio,id=console,signal=off",
            "-serial",
            "chardev:console",
        ]);
        add(&["-qmp", &format!("unix:{},server=on,wait=off", control.display())]);
        // What the guest flushes is in the disk's hands: no cache in between.
        let drive = format!(
            "driver=nbd,server.type=unix,server.path={},if=none,id=disk,cache=none,discard=ignore",
            drive.display()
        );
        add(&[
            "-drive",
            &drive,
            "-device",
            "virtio-blk-pci,drive=disk,addr=0x10,bootindex=1",
        ]);
        for (number, cable) in plan.cards.iter().enumerate() {
            add(&["-netdev", &cable.netdev(number)]);
            let device = format!(
                "virtio-net-pci,netdev=net{number},mac={},addr={:#x},romfile=",
                mac_text(number),
                4 + number
            );
            add(&["-device", &device]);
        }
        if let Some(clock) = plan.clock {
            add(&["-rtc", &format!("base={clock}")]);
        }
        if let Some(memory) = plan.memory_mib {
            add(&["-m", &format!("{memory}M")]);
        }
        if let Start::Kernel(kernel, initrd, line) = &plan.start {
            add(&["-kernel", &kernel.display().to_string()]);
            add(&["-initrd", &initrd.display().to_string()]);
            add(&["-append", line]);
        }
        let switched_on = SystemTime::now();
        let mut emulator = command(&arguments, &plan.inherited())
            .spawn()
            .unwrap_or_else(|error| panic!("start the emulator: {error}"));
        let (screen, keyboard) = (emulator.stdout.take(), emulator.stdin.take());
        Self {
            emulator,
            disk: plan.disk.clone(),
            server: Some(server),
            console: Console::new(screen.expect("its output"), keyboard.expect("its input")),
            control,
            switched_on,
            _directory: directory,
        }
    }

    /// When the power came.
    pub fn switched_on(&self) -> SystemTime {
        self.switched_on
    }

    /// Its console.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Its keyboard.
    pub fn keyboard(&mut self) -> &mut Console {
        &mut self.console
    }

    /// Presses the reset button. Nothing the disk has been given is lost.
    pub fn reset(&self) {
        qmp::execute(&self.control, "system_reset", &json!({}), LIMIT).expect("reset");
    }

    /// Cuts the power. Of what the guest had not flushed a random part is lost.
    pub fn cut_power(mut self, random: &mut Random) -> Cut {
        self.switch_off();
        self.disk.cut_power(random).expect("cut the power of the disk")
    }

    /// Waits until it has switched itself off; the disk is as it left it.
    #[track_caller]
    pub fn wait_for_off(mut self, limit: Duration) {
        let ended = eventually(limit, || self.emulator.try_wait().expect("wait for the emulator"));
        assert!(
            ended.is_some(),
            "it does not switch itself off:\n{}",
            self.console.tail()
        );
        self.switch_off();
    }

    /// Whether the emulator still works.
    pub fn is_on(&mut self) -> bool {
        matches!(self.emulator.try_wait(), Ok(None))
    }

    fn switch_off(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        self.console.close();
        if let Some(server) = self.server.take() {
            // Of an emulator that did not even open its disk nobody comes: make it end.
            drop(std::os::unix::net::UnixStream::connect(
                self.control.with_file_name("disk"),
            ));
            server.join().expect("the server of the disk");
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of the console ---\n{}", self.console.tail());
            let _ = std::io::stderr().flush();
        }
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        self.console.close();
    }
}

impl Cable<'_> {
    fn netdev(&self, number: usize) -> String {
        match self {
            Self::Tap(tap) => format!("tap,id=net{number},fd={}", tap.descriptor()),
            Self::Forwarded(port) => format!(
                "user,id=net{number},ipv6=off,net=192.168.77.0/24,host=192.168.77.2,\
                 hostfwd=tcp:127.0.0.1:{port}-192.168.77.1:443"
            ),
        }
    }
}

impl Plan<'_> {
    /// Descriptors the emulator takes over.
    fn inherited(&self) -> Vec<RawFd> {
        self.cards
            .iter()
            .filter_map(|cable| match cable {
                Cable::Tap(tap) => Some(tap.descriptor()),
                Cable::Forwarded(_) => None,
            })
            .collect()
    }
}

/// Address of a card, by its number.
pub fn mac(number: usize) -> [u8; 6] {
    let number = u8::try_from(number + 1).expect("few cards");
    [0x52, 0x54, 0, 0x77, 0, number]
}

fn mac_text(number: usize) -> String {
    mac(number).map(|byte| format!("{byte:02x}")).join(":")
}

/// Arguments every machine of ours is started with; `scripts/boot` is where they are.
fn usual_arguments(uefi: bool) -> Vec<OsString> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/boot");
    let mut command = Command::new(&script);
    command.arg("--arguments");
    if uefi {
        command.arg("--uefi");
    }
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(OsString::from).collect()
}

fn command(arguments: &[OsString], inherited: &[RawFd]) -> Command {
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let inherited = inherited.to_vec();
    // SAFETY: between fork and exec only async-signal-safe calls are made: fcntl and prctl. The descriptors belong to
    // taps the plan borrows.
    unsafe {
        command.pre_exec(move || {
            for descriptor in &inherited {
                if libc::fcntl(*descriptor, libc::F_SETFD, 0) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command
}

impl Tap {
    fn descriptor(&self) -> RawFd {
        self.file().as_raw_fd()
    }
}
