//! Key server: publishes the public keys of a platform, for receivers that fetch them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

/// A server that answers every GET with one key set. It runs until the process ends, as do the apps that may ask it again.
#[derive(Debug)]
pub struct KeyServer {
    address: SocketAddr,
}

impl KeyServer {
    /// Publishes them on the loopback address, at any free port.
    pub(crate) fn start(key_set: &str) -> io::Result<Self> {
        Self::bind((Ipv4Addr::LOCALHOST, 0), key_set)
    }

    /// Publishes a key set (RFC 7517) at this address.
    ///
    /// # Errors
    /// What [`TcpListener::bind`] allows for.
    pub fn bind(address: impl ToSocketAddrs, key_set: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{key_set}", key_set.len());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &answer); // who asked may be gone
            }
        });
        Ok(Self { address })
    }

    /// `http://HOST:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut stream: TcpStream, answer: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 * 1024 {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => head.extend_from_slice(&buffer[..length]),
        }
    }
    stream.write_all(answer.as_bytes())
}
