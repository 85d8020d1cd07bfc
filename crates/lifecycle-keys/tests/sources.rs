//! Fetched keys behind a verifier: what becomes of callbacks of Forge, whose keys are at one URL, and of Saleor, where each shop has
//! its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Delivery, EventKind, ExpectedApp, Head, KeysUnavailable, Rejection, Verifier, async_trait, forge, saleor,
};
use lifecycle_keys::{KeySetClient, KeySetUrl, RemoteKeys, TenantDirectory, TenantKeys};
use lifecycle_testing::{RSA_OTHER_TEST_KEY, SignedRequest, SigningKeys, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{advance, pause, resume};

const APP: &str = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a";

/// A server that publishes one set on the loopback address.
struct Server {
    origin: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(keys: &SigningKeys) -> Self {
        let set = keys.key_set().unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{set}", set.len());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { origin, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

/// What an adapter does.
async fn receive(verifier: &Verifier, request: &SignedRequest) -> Result<Delivery, Rejection> {
    let lines = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut verification = verifier.begin(Head::new(request.method, &request.target, lines))?;
    verification.push(request.body.clone().into())?;
    if let Some(keys) = verification.look_up() {
        verification.supply(keys.await);
    }
    Ok(verification.finish(SystemTime::now())?.delivery().expect("no handshake"))
}

fn forged(request: &SignedRequest) -> SignedRequest {
    let mut other = request.clone();
    for (name, value) in &mut other.headers {
        if name == "authorization" {
            *value = format!("{}AAAA", &value[..value.len() - 4]);
        }
    }
    other
}

#[tokio::test]
async fn a_genuine_callback_is_taken_and_any_other_refused() {
    let keys = SigningKeys::for_tests(&forge::PLATFORM);
    let server = Server::start(&keys).await;
    let url = KeySetUrl::parse_or_loopback(&server.origin).unwrap();
    let remote = RemoteKeys::new(&forge::PLATFORM, url, KeySetClient::new());
    let verifier = Verifier::with_source(&forge::PLATFORM, remote, APP).unwrap();
    let genuine = sample(&forge::PLATFORM, &EventKind::Install).app(APP).sign(&keys);
    for _ in 0..3 {
        let delivery = receive(&verifier, &genuine).await.unwrap();
        assert_eq!(delivery.event().kind(), &EventKind::Install);
    }
    assert_eq!(receive(&verifier, &forged(&genuine)).await.map(drop), Err(Rejection::InvalidToken));
    assert_eq!(server.requests(), 1, "a known key is fetched once, whoever uses it");

    let other = SigningKeys::parse(&forge::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
    let strange = sample(&forge::PLATFORM, &EventKind::Install).app(APP).sign(&other);
    let expected = Err(Rejection::KeysUnavailable);
    assert_eq!(receive(&verifier, &strange).await.map(drop), expected, "it may be new: not yet known");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn what_no_key_could_prove_causes_no_fetch() {
    let keys = SigningKeys::for_tests(&forge::PLATFORM);
    let server = Server::start(&keys).await;
    let url = KeySetUrl::parse_or_loopback(&server.origin).unwrap();
    let remote = RemoteKeys::new(&forge::PLATFORM, url, KeySetClient::new());
    let verifier = Verifier::with_source(&forge::PLATFORM, remote, APP).unwrap();
    let other_app = sample(&forge::PLATFORM, &EventKind::Install).app("another").sign(&keys);
    assert_eq!(receive(&verifier, &other_app).await.map(drop), Err(Rejection::InvalidToken));
    let mut unnamed = sample(&forge::PLATFORM, &EventKind::Install).app(APP).sign(&keys);
    for (name, value) in &mut unnamed.headers {
        if name == "authorization" {
            let claims = sample(&forge::PLATFORM, &EventKind::Install).app(APP).claims().unwrap();
            *value = format!("Bearer {}", keys.sign_token(r#"{"alg":"RS256"}"#, &claims));
        }
    }
    assert_eq!(receive(&verifier, &unnamed).await.map(drop), Err(Rejection::InvalidToken));
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_503() {
    let keys = SigningKeys::for_tests(&forge::PLATFORM);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = KeySetUrl::parse_or_loopback(&format!("http://{}", free.local_addr().unwrap())).unwrap();
    drop(free);
    let remote = RemoteKeys::new(&forge::PLATFORM, url, KeySetClient::new());
    let verifier = Verifier::with_source(&forge::PLATFORM, remote, APP).unwrap();
    let genuine = sample(&forge::PLATFORM, &EventKind::Install).app(APP).sign(&keys);
    let rejection = receive(&verifier, &genuine).await.unwrap_err();
    assert_eq!((rejection.status(), rejection.code()), (503, "keys-unavailable"));
}

fn shop(nth: usize) -> String {
    format!("https://shop-{nth}.example/graphql/")
}

fn installed(shop: &str, keys: &SigningKeys) -> SignedRequest {
    sample(&saleor::PLATFORM, &EventKind::Install).tenant(shop).sign(keys)
}

/// The same as if it came from another shop.
fn at(shop: &str, request: &SignedRequest) -> SignedRequest {
    let mut other = request.clone();
    for (name, value) in &mut other.headers {
        if name.eq_ignore_ascii_case(saleor::API_URL) {
            shop.clone_into(value);
        }
    }
    other
}

#[tokio::test]
async fn the_tenant_is_the_shop_whose_keys_verified() {
    let keys = SigningKeys::for_tests(&saleor::PLATFORM);
    let other = SigningKeys::parse(&saleor::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
    let (server, others) = (Server::start(&keys).await, Server::start(&other).await);
    let shops = BTreeMap::from([
        (shop(1), KeySetUrl::parse_or_loopback(&server.origin).unwrap()),
        (shop(2), KeySetUrl::parse_or_loopback(&others.origin).unwrap()),
    ]);
    let tenants = TenantKeys::new(&saleor::PLATFORM, saleor::API_URL, shops, KeySetClient::new());
    for (nth, expected) in [(1, Ok(())), (2, Ok(())), (3, Err(None))] {
        assert_eq!(tenants.warm_up(&shop(nth)).await, expected, "{nth}");
    }
    let verifier = Verifier::with_source(&saleor::PLATFORM, tenants.clone(), ExpectedApp::Any).unwrap();
    let delivery = receive(&verifier, &installed(&shop(1), &keys)).await.unwrap();
    assert_eq!(delivery.event().tenant(), shop(1));
    // What one shop has signed is not another's, whatever the header says.
    let stolen = receive(&verifier, &installed(&shop(2), &keys)).await;
    assert_eq!(stolen.map(drop), Err(Rejection::KeysUnavailable), "shop 2 may have a new key");
    let unregistered = receive(&verifier, &installed(&shop(3), &keys)).await;
    assert_eq!(unregistered.map(drop), Err(Rejection::SignatureMismatch));

    tenants.forget(&shop(1));
    assert!(receive(&verifier, &installed(&shop(1), &keys)).await.is_ok(), "it is registered still");
    assert_eq!(server.requests(), 2, "and its keys were fetched again");
}

/// One shop, which leaves while it is asked about.
#[derive(Clone)]
struct Leaving {
    url: KeySetUrl,
    asked: Arc<AtomicUsize>,
    asking: Arc<Semaphore>,
    answering: Arc<Semaphore>,
}

#[async_trait]
impl TenantDirectory for Leaving {
    async fn key_set_url(&self, _: &str) -> Result<Option<KeySetUrl>, KeysUnavailable> {
        if self.asked.fetch_add(1, SeqCst) > 0 {
            return Ok(None);
        }
        self.asking.add_permits(1);
        self.answering.acquire().await.unwrap().forget();
        Ok(Some(self.url.clone()))
    }
}

#[tokio::test]
async fn a_tenant_that_is_forgotten_while_the_directory_is_asked_is_not_remembered() {
    let url = KeySetUrl::parse_or_loopback("http://127.0.0.1:9/").unwrap();
    let (asking, answering) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let leaving = Leaving { url, asked: Arc::default(), asking, answering };
    let asked = leaving.clone();
    let tenants = TenantKeys::new(&saleor::PLATFORM, saleor::API_URL, leaving, KeySetClient::new());
    let tenant = shop(1);
    let uninstalled = async {
        asked.asking.acquire().await.unwrap().forget();
        tenants.forget(&tenant);
        asked.answering.add_permits(1);
    };
    let (warm, ()) = tokio::join!(tenants.warm_up(&tenant), uninstalled);
    assert_eq!((warm, asked.asked.load(SeqCst)), (Err(None), 2), "it was asked again, and has left");
}

/// All shops there are, with the same keys.
struct Everybody(KeySetUrl);

#[async_trait]
impl TenantDirectory for Everybody {
    async fn key_set_url(&self, tenant: &str) -> Result<Option<KeySetUrl>, KeysUnavailable> {
        if tenant == shop(9999) { Err(KeysUnavailable) } else { Ok(Some(self.0.clone())) }
    }
}

/// Lets this time pass at once.
async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

#[tokio::test]
async fn of_many_tenants_those_that_were_used_longest_ago_are_forgotten_but_no_limit_is() {
    let keys = SigningKeys::for_tests(&saleor::PLATFORM);
    let server = Server::start(&keys).await;
    let everybody = Everybody(KeySetUrl::parse_or_loopback(&server.origin).unwrap());
    let tenants = TenantKeys::new(&saleor::PLATFORM, saleor::API_URL, everybody, KeySetClient::new());
    let verifier = Verifier::with_source(&saleor::PLATFORM, tenants.clone(), ExpectedApp::Any).unwrap();
    let many = TenantKeys::CAPACITY + 1;
    let stranger = SigningKeys::parse(&saleor::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
    let forged = installed(&shop(0), &stranger);
    for nth in (0..many).chain(0..many) {
        let strange = receive(&verifier, &at(&shop(nth), &forged)).await;
        assert_eq!(strange.map(drop), Err(Rejection::KeysUnavailable));
    }
    assert_eq!(server.requests(), many, "one look for each, however many there are");

    pass(Duration::from_secs(30)).await;
    let receives = async |nth| receive(&verifier, &installed(&shop(nth), &keys)).await.is_ok();
    assert!(receives(0).await);
    assert_eq!(server.requests(), many);
    tenants.warm_up(&shop(many)).await.unwrap();
    assert!(receives(0).await);
    assert_eq!(server.requests(), many + 1, "the first was used since");
    assert!(receives(1).await);
    assert_eq!(server.requests(), many + 2, "the second was not");
}

/// The shop is where its registration says, if it has one.
#[derive(Clone)]
struct Registration(Arc<Mutex<Option<KeySetUrl>>>);

#[async_trait]
impl TenantDirectory for Registration {
    async fn key_set_url(&self, _tenant: &str) -> Result<Option<KeySetUrl>, KeysUnavailable> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn a_registration_that_changes_or_ends_takes_effect_within_a_minute() {
    let keys = SigningKeys::for_tests(&saleor::PLATFORM);
    let other = SigningKeys::parse(&saleor::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
    let (server, others) = (Server::start(&keys).await, Server::start(&other).await);
    let url = |server: &Server| Some(KeySetUrl::parse_or_loopback(&server.origin).unwrap());
    let registration = Registration(Arc::new(Mutex::new(url(&server))));
    let tenants =
        TenantKeys::new(&saleor::PLATFORM, saleor::API_URL, registration.clone(), KeySetClient::new());
    let verifier = Verifier::with_source(&saleor::PLATFORM, tenants, ExpectedApp::Any).unwrap();
    let received = async |keys| receive(&verifier, &installed(&shop(1), keys)).await.map(drop);
    assert_eq!(received(&keys).await, Ok(()));

    *registration.0.lock().unwrap() = url(&others);
    assert_eq!(received(&keys).await, Ok(()), "not noticed yet");
    pass(TenantKeys::REGISTERED).await;
    assert_eq!(received(&other).await, Ok(()));
    assert_eq!(received(&keys).await, Err(Rejection::KeysUnavailable), "the former key is none any more");

    pass(TenantKeys::REGISTERED).await;
    assert_eq!(received(&other).await, Ok(()));
    assert_eq!(others.requests(), 1, "the same registration keeps what was fetched");
    *registration.0.lock().unwrap() = None;
    pass(TenantKeys::REGISTERED).await;
    assert_eq!(received(&other).await, Err(Rejection::SignatureMismatch));
}

#[tokio::test]
async fn a_directory_that_cannot_answer_is_no_fault_of_the_shop() {
    let keys = SigningKeys::for_tests(&saleor::PLATFORM);
    let everybody = Everybody(KeySetUrl::parse_or_loopback("http://127.0.0.1:1").unwrap());
    let tenants = TenantKeys::new(&saleor::PLATFORM, saleor::API_URL, everybody, KeySetClient::new());
    let verifier = Verifier::with_source(&saleor::PLATFORM, tenants, ExpectedApp::Any).unwrap();
    let received = receive(&verifier, &installed(&shop(9999), &keys)).await;
    assert_eq!(received.map(drop), Err(Rejection::KeysUnavailable));
}
