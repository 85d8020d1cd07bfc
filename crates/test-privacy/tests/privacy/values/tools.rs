//! Values of the tools.

use lifecycle_conformance::{Credentials, Exactness, Sent, Target};
use lifecycle_simulator::{Options, Simulator, StartingApp};
use test_privacy::CANARY;

use super::{Shown, debug};

pub(super) async fn values() -> Vec<Shown> {
    let folder = tempfile::tempdir().unwrap();
    let credentials = Credentials {
        app: "app".into(),
        current: CANARY.into(),
        previous: Some(CANARY.into()),
        tenant: None,
    };
    let target = Target {
        name: "app".into(),
        address: "127.0.0.1:1".into(),
        routes: Vec::new(),
        credentials: [("seismic".to_owned(), credentials.clone())].into(),
        exactness: Exactness::Bytes,
    };
    let sent = Sent { bytes: CANARY.into(), body: CANARY.into(), is_ordinary: true, expected: None };
    let mut app = StartingApp::new(format!("http://user:{CANARY}@127.0.0.1:1"));
    app.signing_secret = Some(CANARY.into());
    let mut options = Options::default();
    (options.port, options.database) = (0, folder.path().join("simulator.db"));
    let mut opened = options.clone();
    opened.app = Some(StartingApp::new("http://127.0.0.1:1"));
    let simulator = Simulator::open(opened).await.unwrap();
    let shown = debug(&simulator);
    let outcomes = debug(&simulator.outcomes());
    let secret = simulator.generated_secret().unwrap(); // random: no canary can be in it
    assert!(!shown.texts.iter().any(|text| text.contains(secret)), "{:?}", shown.texts);
    (options.app, options.manifest_url) = (Some(app.clone()), Some(format!("http://127.0.0.1:1/{CANARY}")));
    vec![debug(&credentials), debug(&target), debug(&sent), debug(&app), debug(&options), shown, outcomes]
}
