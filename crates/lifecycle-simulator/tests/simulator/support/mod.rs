//! What the tests share: a simulator in this process, and apps for it to call.

pub(crate) mod app;
pub(crate) mod example;

use lifecycle_simulator::{Options, Simulator};
use reqwest::{Client, Response, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A simulator that serves in this process, with a database of its own.
pub(crate) struct Market {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    pub(crate) client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Market {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn start_in(folder: TempDir) -> Self {
        let simulator = Simulator::open(options(&folder)).await.unwrap();
        let url = format!("http://{}", simulator.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            simulator.serve(stopped).await.unwrap();
        });
        Self { url, folder, client: client(), stop, served }
    }

    /// Stops it, and gives back the folder with its state.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.client);
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
        self.folder
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(reqwest::Method::POST, path, body.to_string()).await
    }

    pub(crate) async fn send(&self, method: reqwest::Method, path: &str, body: String) -> Answer {
        let answer =
            self.client.request(method, format!("{}{path}", self.url)).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap().replace("&#x2f;", "/")
    }

    /// Sends a form as the page would, with the token that is on it.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let page = self.page("/register").await;
        let token = between(&page, "name=\"token\" value=\"", "\"");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", &token).extend_pairs(fields);
        let request = self.client.post(format!("{}{path}", self.url)).body(form.finish());
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    }

    /// Registers an app of Seismic with one URL for all events; its id.
    pub(crate) async fn register(&self, url: &str, secret: &str) -> i64 {
        let app = json!({"platform": "seismic", "name": "Test app", "url": url, "signing_secret": secret});
        let answer = self.post("/api/apps", app).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_i64().unwrap()
    }

    /// Registers an app on the platform that waits longest, so that a busy machine is in time.
    pub(crate) async fn register_patient(&self, url: &str) -> i64 {
        let app = json!({"platform": "saleor", "name": "Test app", "url": url});
        self.post("/api/apps", app).await.body["id"].as_i64().unwrap()
    }

    /// Acts as the administrator of the first tenant, and gives the deliveries.
    pub(crate) async fn act(&self, app: i64, action: Value) -> Value {
        let mut action = action;
        if action.get("tenant").is_none() {
            action["tenant"] = json!(1);
        }
        let answer = self.post(&format!("/api/apps/{app}/actions"), action).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["deliveries"].clone()
    }

    /// The status of the app in the first tenant.
    pub(crate) async fn status(&self, app: i64) -> String {
        let installations = self.get(&format!("/api/apps/{app}/installations")).await;
        installations[0]["status"].as_str().unwrap_or("none").to_owned()
    }
}

/// A client that follows no redirect.
pub(crate) fn client() -> Client {
    install_provider();
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

/// What a client needs before it can be built, even if it never uses TLS.
pub(crate) fn install_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default(); // another test may have been first
}

pub(crate) fn options(folder: &TempDir) -> Options {
    let mut options = Options::default();
    options.port = 0;
    options.database = folder.path().join("simulator.db");
    options
}

/// What an example app tells, once it is as it should be: it works through its inbox in its own time.
pub(crate) async fn told_by(url: &str, as_it_should_be: impl Fn(&Value) -> bool) -> Value {
    loop {
        let text = client().get(url).send().await.unwrap().text().await.unwrap();
        let told = serde_json::from_str(&text).unwrap();
        if as_it_should_be(&told) {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The text between two marks.
pub(crate) fn between(text: &str, start: &str, end: &str) -> String {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start} is not in {text}"));
    rest.split_once(end).unwrap().0.to_owned()
}
