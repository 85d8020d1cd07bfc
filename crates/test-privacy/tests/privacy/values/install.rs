//! Values of SecurityScorecard's manifest, installation page and actions.

use std::time::SystemTime;

use lifecycle_securityscorecard::{
    Action, ActionRequest, Auth, DeclaredSecret, InstallPage, InstallStates, InstallationAnswer,
    InstallationData, InstallationId, Manifest, Signal,
};
use serde_json::{Map, Value, json};
use test_privacy::CANARY;

use super::{Shown, debug};

pub(super) fn values() -> Vec<Shown> {
    let id = InstallationId::new(CANARY).unwrap();
    let url = format!("https://app.example/{CANARY}");
    let unknown = || Map::from_iter([("unknown".to_owned(), Value::from(CANARY))]);
    let mut action = Action::new("notify", CANARY, &url);
    action.settings_url = Some(url.clone());
    action.settings = Some(json!([CANARY]));
    action.unknown = unknown();
    let auth = Auth { redirect_uri: url.clone(), scopes: vec!["user:read".into()], unknown: unknown() };
    let signal = Signal {
        id: "acme.found".into(),
        name: CANARY.into(),
        sent_by: Some(CANARY.into()),
        unknown: unknown(),
        ..Signal::default()
    };
    let mut manifest = Manifest {
        url: Some(url.clone()),
        hook_url: Some(url.clone()),
        install_url: Some(url.clone()),
        secrets: vec![DeclaredSecret::required("ACCESS_TOKEN", "a token")],
        auth: Some(auth.clone()),
        actions: vec![action.clone()],
        signals: vec![signal.clone()],
        unknown: unknown(),
        ..Manifest::new("Acme Notifier", "acme")
    };
    manifest.description.short = Some(CANARY.into());
    manifest.display_settings.logo_url = Some(url.clone());
    manifest.developer.website_url = Some(url.clone());
    let page = InstallPage::new(&manifest).unwrap();
    let form = page.form(&id).prefill("ACCESS_TOKEN", CANARY).unwrap().step(CANARY, &url).unwrap();
    let states = InstallStates::default();
    let state = states.issue(id.clone(), SystemTime::now()).unwrap();
    let bound = states.issue_bound(id.clone(), SystemTime::now()).unwrap();
    let hidden =
        [state.expose().to_owned(), bound.state.expose().to_owned(), bound.browser.expose().to_owned()];
    let answer = json!({"next_url": url});
    let secrets = json!({"ACCESS_TOKEN": CANARY}).to_string();
    let request = ActionRequest::read([
        ("x-ssc-app-id", CANARY.as_bytes()),
        ("x-ssc-action", CANARY.as_bytes()),
        ("x-ssc-app-secrets", secrets.as_bytes()),
    ])
    .unwrap();
    let shown = vec![
        debug(&id),
        debug(&request),
        debug(request.secrets()),
        debug(&action),
        debug(&auth),
        debug(&signal),
        debug(&manifest),
        debug(&page),
        debug(&form),
        debug(&states),
        debug(&state),
        debug(&bound),
        debug(&InstallationData::new(id.clone()).secret("ACCESS_TOKEN", CANARY)),
        debug(&serde_json::from_value::<InstallationAnswer>(answer).unwrap()),
    ];
    for text in shown.iter().flat_map(|shown| &shown.texts) {
        assert!(!hidden.iter().any(|state| text.contains(state)), "{text}"); // random: no canary can be in it
    }
    shown
}
