//! Proxy: stands before a server and lets a chosen message of a connection through no more.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{PASSWORD, Server, USER};

/// A proxy on loopback, for connections without TLS. It knows PostgreSQL's messages, so that it can fail before each of them.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The connection of the message is closed, and the message is lost.
    Cut,
    /// No message of any connection goes on, until the proxy is [healed](Proxy::heal).
    Freeze,
}

#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Plan>,
    healed: Condvar,
    /// The messages that were read and have not gone on.
    on_the_way: AtomicUsize,
}

#[derive(Debug, Default)]
struct Plan {
    /// How many messages still go through, and what happens then.
    fault: Option<(usize, Fault)>,
    is_frozen: bool,
    has_failed: bool,
}

impl Proxy {
    /// Starts one before a server.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn start(server: &Server) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (shared, upstream) = (Arc::<Shared>::default(), server.port);
        let own = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else { continue };
                connect(&client, &server, &own);
            }
        });
        Self { port, shared }
    }

    /// The URL of the server through this proxy. Its sessions have the name `proxied`.
    pub fn url(&self) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!(
            "postgres://{USER}:{password}@127.0.0.1:{}/postgres?sslmode=disable&application_name=proxied",
            self.port
        )
    }

    /// Lets so many messages through, in both directions and of all connections, and fails then, once.
    pub fn fail_after(&self, messages: usize, fault: Fault) {
        *self.shared.plan() = Plan { fault: Some((messages, fault)), ..Plan::default() };
    }

    /// Lets everything through from now on, also what was held up, and waits until that has gone on. Whether something had gone
    /// wrong.
    pub fn heal(&self) -> bool {
        let plan = std::mem::take(&mut *self.shared.plan());
        self.shared.healed.notify_all();
        while self.shared.on_the_way.load(Ordering::Relaxed) > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        plan.has_failed
    }
}

impl Shared {
    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a message goes on, once it may.
    fn lets_through(&self) -> bool {
        let mut plan = self.plan();
        match &mut plan.fault {
            Some((0, fault)) => {
                let fault = *fault;
                *plan = Plan { fault: None, is_frozen: fault == Fault::Freeze, has_failed: true };
                if fault == Fault::Cut {
                    return false;
                }
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        drop(self.healed.wait_while(plan, |plan| plan.is_frozen));
        true
    }
}

/// Carries messages both ways until one end closes.
fn connect(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) {
    for (from, to, is_client) in [(client, server, true), (server, client, false)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let shared = shared.clone();
        thread::spawn(move || {
            let _ = carry(&from, &to, &shared, is_client);
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared, is_client: bool) -> io::Result<()> {
    let mut has_type = !is_client; // a client's first message has none
    loop {
        let mut head = vec![0; if has_type { 5 } else { 4 }];
        from.read_exact(&mut head)?;
        let length = head[head.len() - 4..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let mut message = head;
        let rest = length.saturating_sub(4);
        message.resize(message.len() + rest, 0);
        let start = message.len() - rest;
        from.read_exact(&mut message[start..])?;
        shared.on_the_way.fetch_add(1, Ordering::Relaxed);
        let gone_on = shared.lets_through().then(|| to.write_all(&message));
        shared.on_the_way.fetch_sub(1, Ordering::Relaxed);
        let Some(written) = gone_on else { return Ok(()) };
        written?;
        has_type = true;
    }
}
