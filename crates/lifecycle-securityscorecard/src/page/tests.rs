//! What the installation page says, what it forbids, and that nothing breaks out of its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{Auth, ManifestProblemKind};

fn manifest(name: &str, secrets: Vec<DeclaredSecret>) -> Manifest {
    Manifest { secrets, ..Manifest::new(name, "acme") }
}

fn acme() -> Manifest {
    manifest(
        "Acme Notifier",
        vec![
            DeclaredSecret::required("ACCESS_TOKEN", "a secret access token"),
            DeclaredSecret::optional("CHANNEL", "where to post"),
        ],
    )
}

fn id() -> InstallationId {
    InstallationId::new("ins_7Yk2").unwrap()
}

fn html(reply: &Reply) -> &str {
    std::str::from_utf8(reply.body()).unwrap()
}

fn header<'r>(reply: &'r Reply, name: &str) -> Vec<&'r str> {
    reply.headers().filter(|(own, _)| *own == name).map(|(_, value)| value).collect()
}

#[test]
fn the_form_asks_for_each_declared_secret_and_goes_to_the_platform() {
    let reply = InstallPage::new(&acme()).unwrap().render(&id());
    let html = html(&reply);
    for part in [
        "<html lang=\"en\">",
        "<title>Install Acme Notifier</title>",
        "<h1>Install Acme Notifier</h1>",
        "<form method=\"post\" action=\"https://platform-api.securityscorecard.io/apps/installation-data\"",
        "<input type=\"hidden\" name=\"installation\" value=\"ins_7Yk2\">",
        "<label for=\"secret-1\"><b>ACCESS_TOKEN</b> a secret access token</label>\n<input id=\"secret-1\" name=\"ACCESS_TOKEN\" type=\"password\" autocomplete=\"new-password\" autocapitalize=\"none\" spellcheck=\"false\" required>",
        "<label for=\"secret-2\"><b>CHANNEL</b> where to post (optional)</label>\n<input id=\"secret-2\" name=\"CHANNEL\" type=\"password\" autocomplete=\"new-password\" autocapitalize=\"none\" spellcheck=\"false\">",
        "straight to https://platform-api.securityscorecard.io.",
        "<button type=\"submit\">",
        "name=\"viewport\" content=\"width=device-width, initial-scale=1\"",
        "prefers-color-scheme: dark",
        ":focus-visible",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(!html.contains("<script") && !html.contains(" style=") && !html.contains(" on"), "{html}");
}

#[test]
fn the_headers_forbid_scripts_frames_caches_referrers_and_other_form_targets() {
    let reply = InstallPage::new(&acme()).unwrap().render(&id());
    let (_, rest) = html(&reply).split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let style = STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action https://platform-api.securityscorecard.io \
         https://platform.securityscorecard.io; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(reply.status(), 200);
    assert_eq!(
        reply.headers().collect::<Vec<_>>(),
        [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("content-security-policy", policy.as_str()),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ]
    );
}

#[test]
fn another_platform_is_the_only_form_target_unless_its_redirects_are_named() {
    let simulated =
        InstallPage::new(&acme()).unwrap().platform_url("http://127.0.0.1:4000/data?a=1&b=2").unwrap();
    let reply = simulated.render(&id());
    assert!(html(&reply).contains("action=\"http://127.0.0.1:4000/data?a=1&amp;b=2\""));
    assert!(header(&reply, "content-security-policy")[0].contains("; form-action http://127.0.0.1:4000; "));

    let reply = simulated.redirects_to("https://next.example/done").unwrap().render(&id());
    let policy = header(&reply, "content-security-policy")[0];
    assert!(policy.contains("; form-action http://127.0.0.1:4000 https://next.example; "), "{policy}");
}

#[test]
fn the_manifests_own_redirect_is_allowed_wherever_the_form_goes() {
    for (redirect_uri, source) in [
        ("https://app.example/connect?x=1", "https://app.example"),
        ("HTTP://localhost:3000/connect", "http://localhost:3000"),
        ("connect", "'self'"),
        ("", "'self'"),
    ] {
        let auth = Some(Auth { redirect_uri: redirect_uri.into(), ..Auth::default() });
        let page = InstallPage::new(&Manifest { auth, ..acme() }).unwrap();
        let policy =
            |page: &InstallPage| header(&page.render(&id()), "content-security-policy")[0].to_owned();
        let platform = "https://platform-api.securityscorecard.io https://platform.securityscorecard.io";
        assert!(policy(&page).contains(&format!("; form-action {platform} {source}; ")), "{}", policy(&page));
        let simulated = page.platform_url("http://127.0.0.1:4000/data").unwrap();
        let expected = format!("; form-action http://127.0.0.1:4000 {source}; ");
        assert!(policy(&simulated).contains(&expected), "{}", policy(&simulated));
    }
    let auth = Some(Auth { redirect_uri: "https://*".into(), ..Auth::default() });
    let widened = InstallPage::new(&Manifest { auth, ..acme() }).err();
    assert_eq!(widened, Some(InstallPageError::Url(WebUrlError::Host)));
}

#[test]
fn a_url_that_is_not_safe_or_would_widen_the_policy_is_refused() {
    let cases = [
        ("http://platform.example/x", WebUrlError::NotHttps),
        ("javascript:alert(1)", WebUrlError::NotHttps),
        ("/apps", WebUrlError::Relative),
        ("https://a.example;script-src", WebUrlError::Host),
        ("https://*", WebUrlError::Host),
        ("https://a.example https://b.example", WebUrlError::Syntax),
    ];
    for (url, error) in cases {
        let page = InstallPage::new(&acme()).unwrap();
        let installation = id();
        let refused = Some(InstallPageError::Url(error));
        assert_eq!(page.clone().platform_url(url).err(), refused, "{url}");
        assert_eq!(page.clone().redirects_to(url).err(), refused, "{url}");
        if error != WebUrlError::Relative {
            assert_eq!(page.form(&installation).step("x", url).err(), refused, "{url}");
        }
    }
}

#[test]
fn the_name_of_the_ids_field_is_configurable_but_never_a_secrets_key() {
    let page = InstallPage::new(&acme()).unwrap();
    let reply = page.clone().parameter("installation_id").unwrap().render(&id());
    assert!(html(&reply).contains("<input type=\"hidden\" name=\"installation_id\" value=\"ins_7Yk2\">"));
    assert!(!html(&reply).contains("name=\"installation\""));
    for name in ["", "ACCESS_TOKEN"] {
        assert_eq!(page.clone().parameter(name).err(), Some(InstallPageError::Parameter));
    }
}

#[test]
fn a_manifest_whose_secrets_cannot_be_fields_makes_no_page() {
    for (key, kind) in [
        ("", ManifestProblemKind::Empty),
        ("A B", ManifestProblemKind::Key),
        ("installation", ManifestProblemKind::ReservedKey),
    ] {
        let error = InstallPage::new(&manifest("n", vec![DeclaredSecret::required(key, "")])).unwrap_err();
        let InstallPageError::Secrets(problems) = error else { panic!("{error}") };
        assert_eq!(problems.iter().next().unwrap().kind, kind);
    }
}

#[test]
fn a_value_of_the_apps_own_is_hidden_and_not_asked_for() {
    let page = InstallPage::new(&acme()).unwrap();
    let installation = id();
    let form = page.form(&installation).prefill("ACCESS_TOKEN", "t\"0k<n").unwrap();
    let reply = form.render();
    assert!(html(&reply).contains("<input type=\"hidden\" name=\"ACCESS_TOKEN\" value=\"t&quot;0k&lt;n\">"));
    assert_eq!(html(&reply).matches("<label").count(), 1);

    let reply = form.prefill("CHANNEL", "").unwrap().render();
    assert_eq!(html(&reply).matches("<label").count(), 0);
    assert!(!html(&reply).contains("what you enter"), "nothing is left to enter");
    assert!(html(&reply).contains("<button"), "the person still decides");
}

#[test]
fn a_value_that_the_platform_would_not_get_unchanged_is_refused() {
    let page = InstallPage::new(&acme()).unwrap();
    let installation = id();
    let prefill = |key, value: &str| page.form(&installation).prefill(key, value).err();
    assert_eq!(prefill("OTHER", "x"), Some(InstallPageError::Undeclared("OTHER".into())));
    for value in ["a\nb", "a\r", "\0", "\t"] {
        assert_eq!(prefill("CHANNEL", value), Some(InstallPageError::PrefilledCharacters("CHANNEL".into())));
    }
}

#[test]
fn a_mistake_of_the_app_is_its_own_500_without_particulars() {
    let reply = Reply::from(InstallPageError::Undeclared("OTHER".into()));
    assert_eq!(reply.status(), 500);
    assert!(!html(&reply).contains("OTHER"));
}

#[test]
fn a_step_is_a_link_above_the_form() {
    let page = InstallPage::new(&acme()).unwrap();
    let installation = id();
    let reply = page.form(&installation).step("Connect <Acme>", "/oauth?a=1&state=x").unwrap().render();
    let (before, _) = html(&reply).split_once("<form").unwrap();
    assert!(before.contains("<a href=\"/oauth?a=1&amp;state=x\">Connect &lt;Acme&gt;</a>"), "{before}");
}

#[test]
fn debug_shows_neither_the_id_nor_a_value_nor_a_state() {
    let page = InstallPage::new(&acme()).unwrap();
    let installation = id();
    let form = page
        .form(&installation)
        .prefill("ACCESS_TOKEN", "hunter2")
        .unwrap()
        .step("s", "/x?state=hunter2")
        .unwrap();
    let shown = format!("{form:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("ins_7Yk2"), "{shown}");
}

/// What could break out of its place, beside anything at all.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        Just("</title><script>alert(1)</script>".to_owned()),
        Just("\"><img src=x onerror=alert(1)>".to_owned()),
        Just("' autofocus onfocus='alert(1)".to_owned()),
        Just("&lt;&#x27;&quot;<!--".to_owned()),
        Just("{name}</style>".to_owned()),
    ]
}

fn count(html: &str) -> [usize; 3] {
    ['<', '>', '"'].map(|c| html.matches(c).count())
}

proptest! {
    #[test]
    fn no_text_changes_the_structure_of_the_page(
        name in hostile(), about in hostile(), label in hostile(), value in hostile(),
        id in hostile().prop_filter("an id that can be one", |id| InstallationId::new(id).is_ok()),
    ) {
        let render = |name: &str, about: &str, label: &str, value: &str, id: &str| {
            let secrets = vec![DeclaredSecret::required("A", about), DeclaredSecret::optional("B", "b")];
            let page = InstallPage::new(&manifest(name, secrets)).unwrap();
            let id = InstallationId::new(id).unwrap();
            let form = page.form(&id).prefill("B", value).unwrap().step(label, "/s").unwrap();
            html(&form.render()).to_owned()
        };
        let (plain, rendered) = (render("n", "a", "l", "v", "i"), render(&name, &about, &label, &value, &id));
        prop_assert_eq!(count(&rendered), count(&plain));

        // And what a browser reads back is what was given.
        for (before, after, given) in [
            ("<title>Install ", "</title>", &name),
            ("<b>A</b> ", "</label>", &about),
            ("<a href=\"/s\">", "</a>", &label),
            ("name=\"B\" value=\"", "\">", &value),
            ("name=\"installation\" value=\"", "\">", &id),
        ] {
            let (_, rest) = rendered.split_once(before).unwrap();
            let (escaped, _) = rest.split_once(after).unwrap();
            prop_assert_eq!(&html_escape::decode_html_entities(escaped), given);
        }
    }
}
