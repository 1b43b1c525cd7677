//! A machine as the agent sees it: slots that are files, the boot loader's block, RAUC and its bus.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use ravelin_system::boot_choice::BootLoader;
use ravelin_system::update::{Update, UpdateOptions, UpdateState};
use ravelin_system::{Agent, AgentError, Refusal, Slot};
use ravelin_test_harness::{Process, RunDir, wait_until};
use tokio::runtime::Runtime;

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A machine with an agent.
#[derive(Debug)]
pub struct Machine {
    pub agent: Agent,
    pub runtime: Runtime,
    agent_process: Option<Process>,
    rauc: Option<Process>,
    _bus: Process,
    dir: RunDir,
}

/// What is told of a boot, and how the machine is set up.
#[derive(Debug, Clone, Copy)]
pub struct Boot<'a> {
    pub slot: Slot,
    pub trial: bool,
    /// Version of the image that runs.
    pub version: &'a str,
    /// Variables of GRUB.
    pub grub: &'a [&'a str],
    /// Whose bundles are taken.
    pub keyring: &'a Path,
    /// More lines of the agent's configuration.
    pub more: &'a str,
}

impl<'a> Boot<'a> {
    /// Slot a with a version, good.
    pub fn of(version: &'a str, keyring: &'a Path) -> Self {
        Self {
            slot: Slot::A,
            trial: false,
            version,
            grub: &["good=a"],
            keyring,
            more: "",
        }
    }
}

impl Machine {
    pub fn boot(boot: Boot<'_>) -> Self {
        let dir = RunDir::new();
        for name in ["efi/grub", "state", "updates", "run", "mnt", "nobody"] {
            fs::create_dir_all(dir.join(name)).expect("directory");
        }
        for name in ["root-a", "root-b", "boot-a", "boot-b"] {
            let file = fs::File::create(dir.join(name)).expect("slot");
            file.set_len(2 << 20).expect("slot");
        }
        let environment = dir.join("efi/grub/grubenv");
        for arguments in [&["create"][..], &[&["set"], boot.grub].concat()] {
            let ran = Command::new("grub-editenv")
                .arg(&environment)
                .args(arguments)
                .status()
                .expect("grub-editenv");
            assert!(ran.success(), "{arguments:?}");
        }
        let root = dir.path().display().to_string();
        // In place of the one that would restart the machine of the test.
        script(
            &dir.join("systemctl"),
            &format!(
                "echo \"$@\" >>{root}/systemctl.calls\n[ \"$1\" != is-system-running ] || cat {root}/running\n\
                 [ ! -e {root}/services-end ] || kill -TERM $PPID\n"
            ),
        );
        script(
            &dir.join("boot-loader"),
            &format!(
                "exec {} --config {root}/agent.toml boot-loader \"$@\"\n",
                env!("CARGO_BIN_EXE_ravelin-agent")
            ),
        );
        write(&dir.join("running"), "starting\n");
        write(
            &dir.join("bus.conf"),
            &format!(
                "<busconfig><type>custom</type><listen>unix:path={root}/bus</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
                 <allow own=\"*\"/></policy></busconfig>"
            ),
        );
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={root}/bus.conf"))
            .arg("--nofork");
        let bus = Process::spawn("dbus", command, dir.path());
        wait_until("the bus listens", PATIENCE, || dir.join("bus").exists());
        let slots: String = [("a", 0), ("b", 1)]
            .map(|(name, number)| {
                format!(
                    "[slot.rootfs.{number}]\ndevice={root}/root-{name}\ntype=raw\nbootname={name}\n\
                     [slot.boot.{number}]\ndevice={root}/boot-{name}\ntype=raw\nparent=rootfs.{number}\n"
                )
            })
            .concat();
        write(
            &dir.join("rauc.conf"),
            &format!(
                "[system]\ncompatible=ravelin-x86_64\nbootloader=custom\nstatusfile={root}/state/rauc.status\n\
                 mountprefix={root}/mnt\n[handlers]\nbootloader-custom-backend={root}/boot-loader\n\
                 [keyring]\npath={}\n{slots}",
                boot.keyring.display()
            ),
        );
        write(
            &dir.join("agent.toml"),
            &format!(
                "socket = '{root}/run/agent.sock'\nstate_dir = '{root}/state'\nupdates_dir = '{root}/updates'\n\
                 state_mount = '{root}/state'\nesp = '{root}/efi'\nboot_environment = '{root}/env'\n\
                 os_release = '{root}/os-release'\nclock_epoch = '{root}/os-release'\n\
                 engine_socket = '{root}/raveld.sock'\nrauc_config = '{root}/rauc.conf'\n\
                 gateway_certificate = '{root}/certificate.pem'\n{}\n\
                 [programs]\nsystemctl = '{root}/systemctl'\n",
                boot.more
            ),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        let mut machine = Self {
            agent: Agent::new(dir.join("run/agent.sock")),
            runtime,
            agent_process: None,
            rauc: None,
            _bus: bus,
            dir,
        };
        machine.reboot(boot.slot, boot.trial, boot.version);
        machine
    }

    /// Ends what runs and starts it as another boot would.
    pub fn reboot(&mut self, slot: Slot, trial: bool, version: &str) {
        if let Some(agent) = self.agent_process.take() {
            agent.kill();
        }
        if let Some(rauc) = self.rauc.take() {
            rauc.kill();
        }
        write(
            &self.path("env"),
            &format!(
                "RAVELIN_SLOT={slot}\nRAVELIN_TRIAL={}\nRAVELIN_STATE=ok\n",
                u8::from(trial)
            ),
        );
        write(
            &self.path("os-release"),
            &format!("ID=ravelin\nIMAGE_VERSION=\"{version}\"\n"),
        );
        let mut command = self.on_bus("rauc");
        command
            .arg("--conf")
            .arg(self.path("rauc.conf"))
            .arg(format!("--override-boot-slot={slot}"))
            .arg("service");
        self.rauc = Some(Process::spawn("rauc", command, self.dir.path()));
        wait_until("RAUC is on the bus", PATIENCE, || {
            self.on_bus("rauc")
                .arg("status")
                .output()
                .is_ok_and(|ran| ran.status.success())
        });
        self.start_agent();
    }

    /// Starts the agent again, as a service manager would.
    pub fn start_agent(&mut self) {
        if let Some(agent) = self.agent_process.take() {
            agent.kill();
        }
        let mut command = self.on_bus(env!("CARGO_BIN_EXE_ravelin-agent"));
        command.arg("--config").arg(self.path("agent.toml"));
        self.agent_process = Some(Process::spawn("agent", command, self.dir.path()));
        wait_until("the agent answers", PATIENCE, || {
            self.runtime.block_on(self.agent.status()).is_ok()
        });
    }

    fn on_bus(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env(
            "DBUS_SYSTEM_BUS_ADDRESS",
            format!("unix:path={}", self.path("bus").display()),
        );
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn loader(&self) -> BootLoader {
        BootLoader::new(self.path("efi/grub/grubenv"), self.path("loader.lock"))
    }

    /// What GRUB does to its block when it takes the trial.
    pub fn grub_takes_the_trial(&self) {
        self.loader().forget_trial().expect("grubenv");
    }

    /// What the service manager was asked for.
    pub fn calls(&self) -> String {
        fs::read_to_string(self.path("systemctl.calls")).unwrap_or_default()
    }

    /// From now on the service manager ends the agent while it is asked, as it does when the machine restarts.
    pub fn services_end_when_asked(&self) {
        write(&self.path("services-end"), "");
    }

    /// Waits until the agent has ended as it should.
    pub fn wait_for_its_end(&mut self) {
        let mut agent = self.agent_process.take().expect("an agent");
        let ended = agent.wait(PATIENCE).expect("it ends");
        assert!(ended.success(), "{ended}: {}", agent.log());
    }

    pub fn asked_to_restart(&self) -> bool {
        self.calls()
            .lines()
            .any(|line| line.ends_with(" start reboot.target"))
    }

    /// What the agent has said.
    pub fn log(&self) -> String {
        self.agent_process.as_ref().map(Process::log).unwrap_or_default()
    }

    /// Sends a bundle.
    pub fn upload(&self, bundle: &[u8], options: &UpdateOptions) -> Result<Update, AgentError> {
        let length = u64::try_from(bundle.len()).expect("length");
        let body = Full::new(Bytes::copy_from_slice(bundle));
        self.runtime
            .block_on(self.agent.send_update(options, Some(length), body))
    }

    /// Sends a bundle that is refused.
    #[track_caller]
    pub fn refused(&self, bundle: &[u8], options: &UpdateOptions) -> Refusal {
        match self.upload(bundle, options) {
            Err(AgentError::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Waits until an update is in a state.
    #[track_caller]
    pub fn wait_for(&self, id: &str, state: UpdateState) -> Update {
        let show = || self.runtime.block_on(self.agent.update(id)).expect("update");
        wait_until(&format!("the update is {state:?}"), PATIENCE, || {
            let update = show();
            assert!(
                update.state == state || !update.state.is_final(),
                "not {state:?} but {update:?}"
            );
            update.state == state
        });
        show()
    }

    /// Every byte of both parts of a slot.
    pub fn slot(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let read = |part: &str| fs::read(self.path(&format!("{part}-{name}"))).expect("slot");
        (read("root"), read("boot"))
    }
}

fn write(path: &Path, content: &str) {
    fs::write(path, content).expect("file");
}

fn script(path: &Path, body: &str) {
    let mut file = fs::File::create(path).expect("script");
    write!(file, "#!/bin/sh\n{body}").expect("script");
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .expect("mode");
}
