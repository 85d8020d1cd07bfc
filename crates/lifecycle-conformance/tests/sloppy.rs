//! A receiver with six faults that are often made, and the same without them: the report names each, worst first.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use lifecycle_conformance::{
    Credentials, Exactness, Filter, Level, Progress, Report, Route, RouteKind, Suite, Target, run_target,
};
use lifecycle_core::{
    Delivery, ExpectedApp, Head, Inbound, RejectedRequest, Reply, Secret, Secrets, SigningSecret, Verifier,
    seismic,
};

const SECRET: &str = "the-secret-of-this-test";
const PREVIOUS: &str = "the-one-before";

#[test]
fn the_six_faults_of_a_sloppy_receiver_are_the_first_six_findings() {
    let suite = suite();
    let report = run(&suite, true);
    let findings = suite.findings(&report);
    let found: Vec<&str> = findings.iter().map(|finding| finding.group.name.as_str()).collect();
    let faults = ["acknowledgement", "raw-body", "rotation", "duplicates", "unknown-events", "size-cap"];
    assert_eq!(found.get(..6), Some(&faults[..]), "{found:?}");
    assert!(report.failed_at(Level::Must) > 0);
    let raw_body = &findings[1];
    assert!(
        raw_body.accepted() > 0 && raw_body.accepted() < raw_body.cases.len(),
        "some are taken, some blocked"
    );
    assert!(raw_body.cases[0].is_accepted(), "the worst comes first");
}

#[test]
fn a_receiver_without_them_is_clean() {
    let suite = suite();
    let report = run(&suite, false);
    assert_eq!(report.failed(), 0, "{}", report.table());
    assert!(suite.findings(&report).is_empty());
}

/// Seismic's fixtures without those that wait for a limit of time.
fn suite() -> Suite {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let files = fs::read_dir(folder.join("conformance/seismic")).unwrap();
    let files = files.map(|file| file.unwrap().path()).map(|file| {
        (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&file).unwrap())
    });
    let waits = ["\"pause_ms\"", "\"stop\"", "\"body-timeout\"", "\"deadline-exceeded\""];
    let quick: Vec<(String, String)> =
        files.filter(|(_, text)| !waits.iter().any(|word| text.contains(word))).collect();
    let quick = quick.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    Suite::parse(&text("answers.json"), &text("groups.json"), quick).unwrap()
}

fn run(suite: &Suite, is_sloppy: bool) -> Report {
    let credentials = Credentials {
        app: "a1".into(),
        current: SECRET.into(),
        previous: Some(PREVIOUS.into()),
        tenant: None,
    };
    let target = Target {
        name: "sloppy".into(),
        address: serve(is_sloppy),
        routes: vec![Route {
            name: "endpoint".into(),
            path: "/seismic".into(),
            platform: "seismic".into(),
            kind: RouteKind::Endpoint,
            event: None,
        }],
        credentials: BTreeMap::from([("seismic".to_owned(), credentials)]),
        exactness: Exactness::Verdict,
    };
    run_target(suite, &target, &Filter::default(), &Progress::silent())
}

struct Server {
    verifier: Verifier,
    is_sloppy: bool,
    seen: Mutex<HashSet<String>>,
}

fn serve(is_sloppy: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let secrets = Secrets::from(Secret::new(SECRET).unwrap())
        .or(SigningSecret::new("previous", &Secret::new(PREVIOUS).unwrap()));
    let mut verifier = Verifier::new(&seismic::PLATFORM, secrets, ExpectedApp::Any).unwrap();
    if is_sloppy {
        verifier = verifier.with_max_body(1 << 30);
    }
    let server = Arc::new(Server { verifier, is_sloppy, seen: Mutex::default() });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (server, stream) = (Arc::clone(&server), stream.unwrap());
            thread::spawn(move || server.connection(stream)); // the client may be gone
        }
    });
    address
}

/// A request's head: its method, its target and its headers in lower case.
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    fn values(&self, name: &str) -> Vec<String> {
        let own = self.headers.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| String::from_utf8_lossy(value).to_lowercase()).collect()
    }

    /// The declared length; `None` for chunks, and an error for one that is no length.
    fn length(&self) -> Result<Option<usize>, ()> {
        if !self.values("transfer-encoding").is_empty() {
            return Ok(None);
        }
        match self.values("content-length").as_slice() {
            [] => Ok(Some(0)),
            [one] => one.parse().map(Some).map_err(drop),
            _ => Err(()),
        }
    }
}

impl Server {
    /// Answers one request after the other, until one is refused before its body's end.
    fn connection(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        let mut input = Input { stream: stream.try_clone()?, bytes: Vec::new() };
        while let Some(request) = input.head()? {
            let reply = self.answer(&request, &mut stream, &mut input)?;
            let closes = reply.headers().any(|(name, value)| name == "connection" && value == "close");
            write(&mut stream, &reply)?;
            if closes {
                stream.shutdown(Shutdown::Write)?;
                return io::copy(&mut input.stream, &mut io::sink()).map(drop); // or the answer is lost with what is unread
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request, stream: &mut TcpStream, input: &mut Input) -> io::Result<Reply> {
        let Ok(length) = request.length() else {
            return Ok(Reply::empty(400).header("connection", "close"));
        };
        // Fault 3: the second header is not read. What it counts itself, it need not be told.
        let is_left_out =
            |name: &str| self.is_sloppy && ["x-seismic-signature-old", "content-length"].contains(&name);
        let headers = request.headers.iter().filter(|(name, _)| !is_left_out(name));
        let headers: Vec<(&str, &[u8])> =
            headers.map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let mut verification = match self.verifier.begin(Head::new(&request.method, &request.target, headers))
        {
            Ok(verification) => verification,
            Err(rejected) => return Ok(rejected.reply()),
        };
        if request.values("expect").iter().any(|value| value == "100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut whole = Vec::new();
        let mut left = length;
        while let Some(piece) = input.piece(&mut left)? {
            if self.is_sloppy {
                whole.extend(piece); // fault 6: as much as comes
            } else if let Err(rejected) = verification.push(piece.into()) {
                return Ok(rejected.reply());
            }
        }
        let verified = verification.push(minified(&whole).into()); // fault 2: not the bytes that came
        let verified = verified.and_then(|()| verification.finish(SystemTime::now()));
        Ok(self.reply(verified))
    }

    fn reply(&self, verified: Result<Inbound, RejectedRequest>) -> Reply {
        match verified {
            Err(rejected) => rejected.reply(),
            Ok(Inbound::Delivery(delivery)) if self.is_sloppy => self.sloppy(&delivery),
            Ok(_) => self.verifier.platform().ack().reply(),
        }
    }

    fn sloppy(&self, delivery: &Delivery) -> Reply {
        if !delivery.event().kind().is_known() {
            return Reply::empty(400); // fault 5
        }
        if !self.seen.lock().unwrap().insert(format!("{:?}", delivery.idempotency_key())) {
            return Reply::empty(409); // fault 4
        }
        Reply::empty(200) // fault 1
    }
}

/// JSON without the white space between its parts.
fn minified(json: &[u8]) -> Vec<u8> {
    let (mut is_text, mut is_escaped) = (false, false);
    let keep = |byte: &u8| {
        let is_space = byte.is_ascii_whitespace() && !is_text;
        is_text ^= *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        !is_space
    };
    json.iter().copied().filter(keep).collect()
}

fn write(stream: &mut TcpStream, reply: &Reply) -> io::Result<()> {
    let lines = reply.headers().map(|(name, value)| format!("{name}: {value}\r\n"));
    let head: String = [format!("HTTP/1.1 {} any\r\n", reply.status())].into_iter().chain(lines).collect();
    let head = format!("{head}content-length: {}\r\n\r\n", reply.body().len());
    stream.write_all(&[head.as_bytes(), reply.body()].concat())
}

/// What a client sends.
struct Input {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Input {
    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.bytes.extend(&buffer[..count]);
                Ok(())
            }
        }
    }

    fn head(&mut self) -> io::Result<Option<Request>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&self.bytes) {
                Ok(httparse::Status::Complete(length)) => {
                    let own = parsed.headers.iter();
                    let own = own.map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()));
                    let request = Request {
                        method: parsed.method.unwrap_or_default().to_owned(),
                        target: parsed.path.unwrap_or_default().to_owned(),
                        headers: own.collect(),
                    };
                    self.bytes.drain(..length);
                    return Ok(Some(request));
                }
                Ok(httparse::Status::Partial) => self.more()?,
                Err(_) => return Ok(None),
            }
        }
    }

    /// The next part of a body; `left` is what is declared of it, or `None` for chunks.
    fn piece(&mut self, left: &mut Option<usize>) -> io::Result<Option<Vec<u8>>> {
        let Some(left) = left else { return self.chunk() };
        if *left == 0 {
            return Ok(None);
        }
        if self.bytes.is_empty() {
            self.more()?;
        }
        let count = self.bytes.len().min(*left);
        *left -= count;
        Ok(Some(self.bytes.drain(..count).collect()))
    }

    fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(&self.bytes) {
                let end = start + usize::try_from(length).unwrap() + 2;
                while self.bytes.len() < end {
                    self.more()?;
                }
                let chunk: Vec<u8> = self.bytes.drain(..end).collect();
                return Ok((length > 0).then(|| chunk[start..end - 2].to_vec()));
            }
            self.more()?;
        }
    }
}
