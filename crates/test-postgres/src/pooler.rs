//! A pooler before a server: Debian's `pgbouncer`.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs, process};

use crate::{PASSWORD, Server, USER, as_ordinary_user, free_port};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A pooler on loopback. It stops, and its files go, when this value is dropped.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Pooler {
    /// Starts one in this mode: `session`, `transaction` or `statement`.
    ///
    /// # Panics
    /// When it is not installed (`apt-get install pgbouncer`), or does not start.
    pub fn start(server: &Server, mode: &str) -> Self {
        Self::start_with(server, mode, "")
    }

    /// The same with one more line of settings.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with(server: &Server, mode: &str, line: &str) -> Self {
        let port = free_port();
        let folder = env::temp_dir().join(format!("lifecycle-pgbouncer.{}.{port}", process::id()));
        fs::create_dir(&folder).expect("a folder for its settings");
        let (users, settings) = (folder.join("users"), folder.join("settings"));
        fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n")).expect("a file of its users");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\npool_mode = {mode}\nauth_type = scram-sha-256\nauth_file = {}\n{line}\n",
            server.port,
            users.display()
        );
        fs::write(&settings, text).expect("a file of its settings");
        // It ends with whoever started it, however that ends.
        let child = as_ordinary_user()
            .args(["setpriv", "--pdeathsig", "KILL", PROGRAM, "-q"])
            .arg(&settings)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`setpriv` is there");
        let mut pooler = Self { child, folder, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                matches!(pooler.child.try_wait(), Ok(None)),
                "no pgbouncer: run `apt-get install pgbouncer`"
            );
            sleep(Duration::from_millis(20));
        }
        pooler
    }

    /// Where it listens, with the superuser's name and password.
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/postgres", PASSWORD.replace(' ', "%20"), self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
