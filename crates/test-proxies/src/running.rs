//! Running: the process of a proxy, which ends with this value.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::place::Place;
use crate::proxies::Proxy;

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// How long a proxy may take until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process of a proxy.
#[derive(Debug)]
pub(crate) struct Running {
    /// Runs the proxy as long as its standard input is open.
    supervisor: Child,
}

impl Running {
    /// Starts the proxy and waits until it listens. What it prints is appended to `output.log` in the place's folder.
    pub(crate) fn start(proxy: &Proxy, place: &Place) -> Result<Self, Failure> {
        if !Path::new(proxy.program).exists() {
            return Err(format!("{} is missing: apt-get install {}", proxy.program, proxy.package).into());
        }
        let output = File::options().create(true).append(true).open(place.folder().join("output.log"))?;
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor", proxy.program])
            .args(proxy.arguments.iter().map(|argument| place.fill(argument)))
            .envs(proxy.environment.iter().map(|(name, value)| (name, place.fill(value))))
            .current_dir(place.folder())
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut running = Self { supervisor };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", place.port)).is_err() {
            if running.has_ended()? || Instant::now() > deadline {
                let said = fs::read_to_string(place.folder().join("output.log"))?;
                return Err(format!("{} does not start:\n{said}", proxy.name).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// Whether the proxy has ended without being stopped.
    pub(crate) fn has_ended(&mut self) -> Result<bool, Failure> {
        Ok(self.supervisor.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait(); // the supervisor is not patient for long
    }
}
