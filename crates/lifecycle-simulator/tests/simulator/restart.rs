//! Nothing that was answered is lost, whether the simulator is stopped or killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use lifecycle_simulator::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::App;
use crate::support::{Market, client, options};

#[tokio::test]
async fn state_survives_a_restart() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "the-first").await;
    market.post(&format!("/api/apps/{id}/rotation"), json!({"signing_secret": "the-second"})).await;
    market.act(id, json!({"action": "install"})).await;
    market.act(id, json!({"action": "enable"})).await;
    let held = market.act(id, json!({"action": "disable", "delivery": "held"})).await[0]["id"].clone();
    let paths = ["/api/apps", "/api/deliveries", "/api/tenants", "/api/apps/1/installations"];
    let mut before = Vec::new();
    for path in paths {
        before.push(market.get(path).await);
    }
    let market = Market::start_in(market.stop().await).await;
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(market.get(path).await, before, "{path}");
    }
    let sent = market.post(&format!("/api/deliveries/{held}/send"), json!({})).await;
    assert_eq!(sent.body["state"], "acknowledged", "a held request is still there to be sent");
    let disabled = market.act(id, json!({"action": "disable"})).await;
    assert_eq!(disabled[0]["headers"][2]["note"], "signed by secret 1, the previous one");
}

#[tokio::test]
async fn an_app_whose_manifest_is_known_may_start_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/manifest.json", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let manifest = json!({"name": "A", "namespace": "a_b", "install_url": "/install"}).to_string();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{manifest}", manifest.len()).unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let opened = async || {
        let mut options = options(&folder);
        options.manifest_url = Some(url.clone());
        Simulator::open(options).await.unwrap()
    };
    assert_eq!(opened().await.unread_manifest(), None);
    serving.join().unwrap(); // and it listens no longer
    let simulator = opened().await;
    let reason = simulator.unread_manifest().unwrap();
    assert!(reason.contains("connection refused: is the app running at"), "{reason}");
}

#[tokio::test]
async fn nothing_that_was_answered_is_lost_when_it_is_killed() {
    let app = App::start().await;
    let folder = tempfile::tempdir().unwrap();
    let killed = Killed::start(&folder);
    let client = client();
    let post = async |path: &str, body: Value| -> Option<Value> {
        let request = client.post(format!("{}{path}", killed.url)).body(body.to_string());
        serde_json::from_str(&request.send().await.ok()?.text().await.ok()?).ok()
    };
    let quick = json!({"platform": "seismic", "name": "Quick", "url": format!("{}/202", app.url)});
    let slow = json!({"platform": "seismic", "name": "Slow", "url": format!("{}/slow", app.url)});
    post("/api/apps", quick).await.unwrap();
    post("/api/apps", slow).await.unwrap();
    post("/api/apps/1/actions", json!({"tenant": 1, "action": "install"})).await.unwrap();
    app.arrival().await;
    let mut answered = Vec::new();
    for number in 0..20 {
        let tenant = json!({"platform": "seismic", "name": format!("T{number}")});
        answered.push(post("/api/tenants", tenant).await.unwrap());
    }
    // The kill comes while a request waits for the app.
    let waiting = post("/api/apps/2/actions", json!({"tenant": 2, "action": "install"}));
    let kill = async {
        app.arrival().await;
        killed.kill();
    };
    let (lost, ()) = tokio::join!(waiting, kill);
    assert!(lost.is_none(), "no answer came");

    let market = Market::start_in(folder).await;
    let tenants = market.get("/api/tenants").await;
    for tenant in answered {
        assert!(tenants.as_array().unwrap().contains(&tenant), "{tenant}");
    }
    assert_eq!(market.status(1).await, "installed");
    assert_eq!(market.status(2).await, "none");
    let interrupted = &market.get("/api/deliveries?app=2").await[0];
    assert_eq!((&interrupted["state"], &interrupted["effect"]), (&json!("failed"), &json!("blocked")));
    assert_eq!(interrupted["cause"]["code"], "interrupted");
}

/// A simulator in a process of its own: this test program, asked to run the test below and nothing else.
struct Killed {
    url: String,
    child: std::sync::Mutex<Child>,
}

impl Killed {
    fn start(folder: &TempDir) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "restart::a_simulator_to_be_killed", "--ignored", "--nocapture"])
            .env("SIMULATOR_DATABASE", options(folder).database)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.into_iter().find_map(|line| Some(line.split_once("listening on ")?.1.to_owned()));
        let url = url.unwrap().trim_end_matches('/').to_owned();
        Self { url, child: std::sync::Mutex::new(child) }
    }

    /// SIGKILL.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test]
#[ignore = "it is the process that another test kills"]
async fn a_simulator_to_be_killed() {
    let Some(database) = std::env::var_os("SIMULATOR_DATABASE") else { return };
    let mut options = Options::default();
    options.port = 0;
    options.database = database.into();
    let simulator = Simulator::open(options).await.unwrap();
    println!("listening on {}", simulator.url());
    simulator.serve(std::future::pending()).await.unwrap();
}
