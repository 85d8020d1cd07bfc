//! Platforms that are proven by a token: what is none, and what their requests prove.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Audience, Delivery, ExpectedApp, Field, Inbound, Method, Platform, Proof, Rejection, Secret, TokenPlace,
    Verifier, bigcommerce, monday, wix,
};
use lifecycle_testing::{Sample, Sender, SignedRequest, SigningKeys, registry};
use proptest::prelude::*;

/// All events of the platforms that are proven by a token.
fn samples() -> impl Iterator<Item = (&'static Sender, Sample)> {
    let by_token = |sender: &&&Sender| matches!(sender.platform().proof(), Proof::Token(_));
    registry()
        .iter()
        .filter(by_token)
        .flat_map(|sender| sender.events().map(|(_, event)| (*sender, sender.sample(event).unwrap())))
}

fn verifier(platform: &'static Platform) -> Verifier {
    let is_for_one =
        matches!(platform.proof(), Proof::Token(scheme) if scheme.audience() == Audience::OneApp);
    let app = if is_for_one { app(platform) } else { ExpectedApp::Any };
    Verifier::new(platform, SigningKeys::for_tests(platform).verifying(), app).unwrap()
}

/// The app of a platform's samples.
fn app(platform: &Platform) -> ExpectedApp {
    let sender = Sender::of(platform).unwrap();
    let (_, event) = sender.events().next().unwrap();
    sender.sample(event).unwrap().delivery().event().app().into()
}

fn receive(request: &SignedRequest, platform: &'static Platform) -> Result<Delivery, Rejection> {
    match request.verify(&verifier(platform), SystemTime::now())? {
        Inbound::Delivery(delivery) => Ok(delivery),
        Inbound::Handshake(_) => panic!("a handshake"),
    }
}

/// The token of a request, wherever it is.
fn token(request: &mut SignedRequest, platform: &Platform, change: impl FnOnce(&str) -> String) {
    let Proof::Token(scheme) = platform.proof() else { panic!("it is proven otherwise") };
    match scheme.place() {
        TokenPlace::Body => request.body = change(std::str::from_utf8(&request.body).unwrap()).into(),
        TokenPlace::Header { name, .. } => {
            let (_, value) = request.headers.iter_mut().find(|(own, _)| own == name).unwrap();
            *value = change(value);
        }
        TokenPlace::Query(_) => {
            let (before, token) = request.target.split_once('=').unwrap();
            request.target = format!("{before}={}", change(token));
        }
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Change {
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, char),
    Remove(prop::sample::Index),
    Replace(prop::sample::Index, char),
    Swap(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let letter = || prop::char::ranges(vec!['!'..='~'].into());
    prop_oneof![
        place().prop_map(Change::Cut),
        (place(), letter()).prop_map(|(place, letter)| Change::Insert(place, letter)),
        place().prop_map(Change::Remove),
        (place(), letter()).prop_map(|(place, letter)| Change::Replace(place, letter)),
        place().prop_map(Change::Swap),
    ]
}

impl Change {
    fn apply(&self, token: &str) -> String {
        let mut letters: Vec<char> = token.chars().collect();
        match self {
            Self::Cut(place) => letters.truncate(place.index(letters.len())),
            Self::Insert(place, letter) => letters.insert(place.index(letters.len()), *letter),
            Self::Remove(place) => {
                letters.remove(place.index(letters.len()));
            }
            Self::Replace(place, letter) => {
                let place = place.index(letters.len());
                letters[place] = *letter;
            }
            Self::Swap(place) => {
                let place = place.index(letters.len() - 1);
                letters.swap(place, place + 1);
            }
        }
        letters.into_iter().collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_change_of_a_genuine_token_verifies(change in change()) {
        for (sender, sample) in samples() {
            let platform = sender.platform();
            let mut request = sample.sign(&SigningKeys::for_tests(platform));
            let (mut before, mut after) = (String::new(), String::new());
            token(&mut request, platform, |genuine| {
                (before, after) = (genuine.to_owned(), change.apply(genuine));
                after.clone()
            });
            let rejected = receive(&request, platform).map(drop);
            if after == before {
                prop_assert_eq!(rejected, Ok(()));
            } else {
                let is_refused = matches!(rejected, Err(Rejection::InvalidToken | Rejection::MissingToken));
                prop_assert!(is_refused, "{:?}: {}: {:?}", sender, after, rejected);
            }
        }
    }

    #[test]
    fn any_text_in_place_of_a_token_is_refused(text in "[ -~]{0,64}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,44}") {
        for (sender, sample) in samples() {
            let mut request = sample.sign(&SigningKeys::for_tests(sender.platform()));
            token(&mut request, sender.platform(), |_| text.clone());
            prop_assert!(receive(&request, sender.platform()).is_err(), "{:?}", sender);
        }
    }
}

/// A captured token beside every body and at every path that its platform knows, and beside some that it does not.
#[test]
fn what_changes_with_what_no_token_covers_is_not_proven() {
    let mut changed = BTreeSet::new();
    for (sender, sample) in samples() {
        let platform = sender.platform();
        let keys = SigningKeys::for_tests(platform);
        let genuine = sample.sign(&keys);
        let first = receive(&genuine, platform).unwrap();
        let mut others = Vec::new();
        for (_, event) in sender.events() {
            let other = sender.sample(event).unwrap();
            others.push(with_body(&genuine, platform, &other.body()));
            let query =
                genuine.target.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
            let target = format!("/{}{}{query}", platform.name(), other.path());
            others.push(with(&genuine, |request| request.target = target));
        }
        for (path, value) in [
            ("data.version_data.major", 9),
            ("data.user_id", 9),
            ("data.plan", 9),
            ("type", 9),
            ("dat.account_id", 9),
        ] {
            others.push(with_body(&genuine, platform, &sample.clone().set(path, value).body()));
        }
        let at = SystemTime::now() - Duration::from_secs(100);
        others.push(with_body(&genuine, platform, &sample.clone().at(at).body()));
        for other in others {
            let mut more = other.clone();
            more.headers.push(("x-other".into(), "told".into()));
            for request in [other, more] {
                let Ok(delivery) = receive(&request, platform) else { continue };
                for field in Field::ALL {
                    if read(&first, field) != read(&delivery, field) {
                        assert!(!first.proves(field) && !delivery.proves(field), "{sender:?}: {field:?}");
                        changed.insert((platform.name(), field.name()));
                    }
                }
                // Azure's says no more than that the marketplace sent something to the app.
                assert_eq!(first.proves(Field::Tenant), platform.name() != "azure", "{sender:?}");
                assert!(first.proves(Field::App), "{sender:?}");
            }
        }
    }
    let expected = [
        ("azure", "kind"),
        ("azure", "occurred"),
        ("azure", "request_id"),
        ("bigcommerce", "kind"),
        ("forge", "actor"),
        ("monday", "actor"),
        ("monday", "kind"),
        ("monday", "occurred"),
        ("monday", "version"),
    ];
    assert_eq!(changed, BTreeSet::from(expected), "or nothing was tried");
}

/// The same request with another body, where that is not the token.
fn with_body(request: &SignedRequest, platform: &Platform, body: &str) -> SignedRequest {
    let Proof::Token(scheme) = platform.proof() else { panic!("it is proven otherwise") };
    if scheme.place() == TokenPlace::Body {
        return request.clone();
    }
    with(request, |request| request.body = body.into())
}

fn with(request: &SignedRequest, change: impl FnOnce(&mut SignedRequest)) -> SignedRequest {
    let mut request = request.clone();
    change(&mut request);
    request
}

fn read(delivery: &Delivery, field: Field) -> Option<String> {
    let event = delivery.event();
    match field {
        Field::Actor => event.actor().map(str::to_owned),
        Field::App => Some(event.app().to_owned()),
        Field::Installation => event.installation().map(str::to_owned),
        Field::Kind => Some(event.kind().name().to_owned()),
        Field::Occurred => event.occurred().map(|time| format!("{time:?}")),
        Field::RequestId => event.request_id().map(str::to_owned),
        Field::Tenant => Some(event.tenant().to_owned()),
        Field::Version => Some(format!("{:?} {:?}", event.version(), event.prior_version())),
        other => panic!("{other:?} is not read here"),
    }
}

#[test]
fn a_delivery_comes_back_from_a_store_with_its_claims_and_without_its_token() {
    for (sender, sample) in samples() {
        let platform = sender.platform();
        let request = sample.sign(&SigningKeys::for_tests(platform));
        let delivery = receive(&request, platform).unwrap();
        let envelope = delivery.envelope();
        let json = envelope.to_json();
        let again = Delivery::from_store_unverified(platform, delivery.body().clone(), &envelope).unwrap();
        assert_eq!(again.claims(), delivery.claims());
        assert_eq!(again.claims().map(str::to_owned), sample.claims());
        assert_eq!((again.trust(), again.idempotency_key()), (delivery.trust(), delivery.idempotency_key()));
        assert_eq!(
            (again.event().tenant(), again.event().app()),
            (delivery.event().tenant(), delivery.event().app())
        );
        let signature = SigningKeys::for_tests(platform).sign_claims(platform, &sample.claims().unwrap());
        let (_, signature) = signature.rsplit_once('.').unwrap();
        assert!(!json.contains(signature), "{sender:?}: {json}");
    }
}

#[test]
fn a_platform_of_gets_allows_no_other_method_and_takes_no_body() {
    let keys = SigningKeys::for_tests(&bigcommerce::PLATFORM);
    let sender = Sender::of(&bigcommerce::PLATFORM).unwrap();
    let request = sender.sample("uninstall").unwrap().sign(&keys);
    assert_eq!((request.method, request.body.len()), ("GET", 0));
    assert!(receive(&request, &bigcommerce::PLATFORM).is_ok());
    let by = |method| {
        receive(&with(&request, |request| request.method = method), &bigcommerce::PLATFORM).map(drop)
    };
    for method in ["POST", "HEAD", "get", "PUT"] {
        assert_eq!(by(method), Err(Rejection::MethodNotAllowed(Method::Get)), "{method}");
    }
    let allow = Rejection::MethodNotAllowed(Method::Get).reply();
    assert!(allow.headers().any(|header| header == ("allow", "GET")));
    let with_body = with(&request, |request| request.body = b"{}".to_vec());
    assert_eq!(receive(&with_body, &bigcommerce::PLATFORM).map(drop), Err(Rejection::BodyTooLarge));
}

#[test]
fn a_secret_that_is_being_replaced_proves_too_and_is_named() {
    let (new, old) = (Secret::new("new").unwrap(), Secret::new("old").unwrap());
    let keys = SigningKeys::from(new).with_previous(old.clone().into()).verifying();
    let verifier = Verifier::new(&monday::PLATFORM, keys, ExpectedApp::Any).unwrap();
    let request = Sender::of(&monday::PLATFORM).unwrap().sample("install").unwrap().sign(&old.into());
    let delivery = request.verify(&verifier, SystemTime::now()).unwrap().delivery().unwrap();
    assert!(format!("{:?}", delivery.trust()).contains("previous"));
}

#[test]
fn a_maximum_age_counts_from_the_time_of_issue() {
    let sample = Sender::of(&wix::PLATFORM).unwrap().sample("install").unwrap();
    let now = SystemTime::now();
    let aged = verifier(&wix::PLATFORM).with_max_age(Duration::from_secs(60)).unwrap();
    for (seconds, stale) in [(0, false), (59, false), (62, true)] {
        let sent = now - Duration::from_secs(seconds);
        let request = sample.clone().at(sent).sign(&SigningKeys::for_tests(&wix::PLATFORM));
        let received = request.verify(&aged, now).map(drop).map_err(Rejection::from);
        assert_eq!(received == Err(Rejection::Stale), stale, "{seconds}: {received:?}");
    }
}
