//! What a manifest keeps, converts, refuses and resolves.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::WebUrlError;

const FIXTURE: &str = r##"{"name":"Acme Notifier","namespace":"acme_notifier","description":{"short":"Posts score changes","long":"Posts score changes to a chat channel."},"display_settings":{"primary_color":"#000000","secondary_color":"#FFFFFF","logo_url":"logo.png","homepage_url":"https://acme.example/ssc"},"developer":{"name":"Acme","website_url":"https://acme.example","privacy_url":"https://acme.example/privacy","terms_of_use_url":"https://acme.example/tos"},"hook_url":"hooks/5c0f8e7b","install_url":"install","secrets":[{"key":"ACCESS_TOKEN","description":"a secret access token","value_required":true}],"actions":[{"id":"notify_channel","name":"Notify Channel","url":"actions/notify_channel","settings_url":"actions/notify_channel/settings"}]}"##;

fn read(value: Value) -> Manifest {
    serde_json::from_value(value).unwrap()
}

fn write(manifest: &Manifest) -> Value {
    serde_json::to_value(manifest).unwrap()
}

#[test]
fn the_documented_manifest_is_valid_and_written_back_byte_for_byte() {
    let manifest: Manifest = serde_json::from_str(FIXTURE).unwrap();
    manifest.validate().unwrap();
    assert_eq!(manifest.required_secrets().collect::<Vec<_>>(), ["ACCESS_TOKEN"]);
    let reply = manifest.reply();
    assert_eq!(reply.headers().collect::<Vec<_>>(), [("content-type", "application/json")]);
    assert_eq!(reply.body(), FIXTURE.as_bytes());
}

#[test]
fn an_optional_secret_is_not_among_those_that_are_required() {
    let secrets = vec![
        DeclaredSecret::required("B", ""),
        DeclaredSecret::optional("X", ""),
        DeclaredSecret::required("A", ""),
    ];
    let manifest = Manifest { secrets, ..Manifest::default() };
    assert_eq!(manifest.required_secrets().collect::<Vec<_>>(), ["B", "A"]);
}

#[test]
fn every_spelling_that_the_platform_shows_is_read_and_snake_case_is_written() {
    let cases = [
        (
            json!({
                "displaySettings": {"logoUrl": "l", "homepageUrl": "p", "help_url": "q"},
                "developer": {"websiteUrl": "w"},
                "signals": [{"id": "n.s", "name": "S", "severity": "positive", "longDescription": "l", "sentBy": "b"}],
            }),
            json!({
                "display_settings": {"logo_url": "l", "homepage_url": "p", "help_url": "q"},
                "developer": {"website_url": "w"},
                "signals": [{"id": "n.s", "name": "S", "severity": "positive", "long_description": "l", "sent_by": "b"}],
            }),
        ),
        (
            // What no page and no example shows is kept, and means nothing.
            json!({"hookUrl": "h", "secrets": [{"key": "K", "valueRequired": true}]}),
            json!({"hookUrl": "h", "secrets": [{"key": "K", "value_required": false, "valueRequired": true}]}),
        ),
        (
            json!({"description": "s", "long_description": "l", "logo_url": "g", "homepage": "h",
                "bg_color": "#123456", "developer": "d"}),
            json!({"description": {"short": "s", "long": "l"}, "developer": {"name": "d"},
                "display_settings": {"logo_url": "g", "homepage_url": "h", "primary_color": "#123456"}}),
        ),
        (
            json!({"long_description": "l", "logo_url": "g", "displaySettings": {"homepageUrl": "h"}}),
            json!({"description": {"long": "l"}, "display_settings": {"homepage_url": "h", "logo_url": "g"}}),
        ),
        (
            json!({"description": null, "secrets": null, "auth": null, "display_settings": null, "logo_url": "g"}),
            json!({"display_settings": {"logo_url": "g"}}),
        ),
    ];
    for (given, expected) in cases {
        let mut written = write(&read(given.clone()));
        for added in ["name", "namespace"] {
            assert_eq!(written.as_object_mut().unwrap().remove(added), Some(json!("")));
        }
        assert_eq!(written, expected, "{given}");
    }
}

#[test]
fn an_old_key_whose_place_is_taken_is_not_lost() {
    let given = json!({"name": "n", "namespace": "n", "logo_url": "old", "long_description": "old",
        "description": {"long": "new"}, "display_settings": {"logo_url": "new"}, "homepage": 7});
    let manifest = read(given.clone());
    assert_eq!(manifest.display_settings.logo_url.as_deref(), Some("new"));
    assert_eq!(manifest.description.long.as_deref(), Some("new"));
    assert_eq!(write(&manifest), given);
}

#[test]
fn one_member_in_two_spellings_is_refused() {
    for text in [
        r#"{"display_settings":{},"displaySettings":{}}"#,
        r#"{"display_settings":{"logo_url":"a","logoUrl":"b"}}"#,
    ] {
        assert!(
            serde_json::from_str::<Manifest>(text).unwrap_err().to_string().contains("duplicate"),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_a_manifest_is_an_error_and_not_a_panic() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for text in ["", "[]", "null", "7", "{", r#"{"name":7}"#, r#"{"secrets":{}}"#, deep.as_str()] {
        assert!(serde_json::from_str::<Manifest>(text).is_err());
    }
}

#[test]
fn every_rule_has_its_problem_and_path() {
    use ManifestProblemKind::*;
    let https = Url(WebUrlError::NotHttps);
    let long = "n".repeat(27);
    let cases: Vec<(Value, &str, ManifestProblemKind)> = vec![
        (json!({"name": " "}), "name", Empty),
        (json!({"name": long}), "name", TooLong { max: 26 }),
        (json!({"namespace": ""}), "namespace", SnakeCase),
        (json!({"namespace": "Acme"}), "namespace", SnakeCase),
        (json!({"namespace": "acme-x"}), "namespace", SnakeCase),
        (json!({"namespace": "acme__x"}), "namespace", SnakeCase),
        (json!({"namespace": "1acme"}), "namespace", SnakeCase),
        (json!({"namespace": "acme_"}), "namespace", SnakeCase),
        (json!({"description": {"short": "s".repeat(101)}}), "description.short", TooLong { max: 100 }),
        (json!({"display_settings": {"primary_color": "red"}}), "display_settings.primary_color", Color),
        (
            json!({"display_settings": {"secondary_color": "#12345"}}),
            "display_settings.secondary_color",
            Color,
        ),
        (json!({"display_settings": {"logo_url": "http://a.example/"}}), "display_settings.logo_url", https),
        (
            json!({"display_settings": {"hero_images": [{"url": "u"}, {"url": ""}]}}),
            "display_settings.hero_images[1].url",
            Empty,
        ),
        (json!({"developer": {"website_url": "ftp://a.example"}}), "developer.website_url", https),
        (json!({"url": "a b"}), "url", Url(WebUrlError::Syntax)),
        (json!({"hook_url": "http://a.example/hook"}), "hook_url", https),
        (json!({"install_url": "javascript:alert(1)"}), "install_url", https),
        (json!({"install_url": "https://u:p@a.example"}), "install_url", Url(WebUrlError::Credentials)),
        (json!({"auth": {"scopes": []}}), "auth.redirect_uri", Empty),
        (json!({"secrets": [{"key": ""}]}), "secrets[0].key", Empty),
        (json!({"secrets": [{"key": "A-B"}]}), "secrets[0].key", Key),
        (json!({"secrets": [{"key": "1A"}]}), "secrets[0].key", Key),
        (json!({"secrets": [{"key": "Ä"}]}), "secrets[0].key", Key),
        (json!({"secrets": [{"key": "K".repeat(65)}]}), "secrets[0].key", Key),
        (json!({"secrets": [{"key": "K"}, {"key": "K"}]}), "secrets[1].key", Duplicate),
        (json!({"secrets": [{"key": "installation"}]}), "secrets[0].key", ReservedKey),
        (json!({"secrets": [{"key": "_CHARSET_"}]}), "secrets[0].key", ReservedKey),
        (json!({"actions": [{"id": "A", "name": "n", "url": "u"}]}), "actions[0].id", SnakeCase),
        (
            json!({"actions": [{"id": "a", "name": "n", "url": "u"}, {"id": "a", "name": "n", "url": "u"}]}),
            "actions[1].id",
            Duplicate,
        ),
        (json!({"actions": [{"id": "a", "url": "u"}]}), "actions[0].name", Empty),
        (json!({"actions": [{"id": "a", "name": "n"}]}), "actions[0].url", Empty),
        (
            json!({"actions": [{"id": "a", "name": "n", "url": "u", "settings": {}, "settings_url": "s"}]}),
            "actions[0].settings",
            SettingsTwice,
        ),
        (json!({"signals": [{"id": "other.s", "name": "n"}]}), "signals[0].id", SignalId),
        (json!({"signals": [{"id": "acme.", "name": "n"}]}), "signals[0].id", SignalId),
        (json!({"signals": [{"id": "acme_s", "name": "n"}]}), "signals[0].id", SignalId),
        (json!({"signals": [{"id": "acme.s"}]}), "signals[0].name", Empty),
        (
            json!({"signals": [{"id": "acme.s", "name": "n", "severity": "high"}]}),
            "signals[0].severity",
            Severity,
        ),
        (
            json!({"signals": [{"id": "acme.s", "name": "n", "references": [{"link": "http://a.example"}]}]}),
            "signals[0].references[0].link",
            https,
        ),
    ];
    for (members, path, kind) in cases {
        let mut manifest = json!({"name": "Acme", "namespace": "acme"});
        manifest.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let problems = read(manifest).validate().unwrap_err();
        let expected = ManifestProblem { path: path.into(), kind };
        assert_eq!(problems.iter().collect::<Vec<_>>(), [&expected], "{members}");
        assert!(expected.to_string().starts_with(&format!("{path}: ")), "{expected}");
    }
}

#[test]
fn all_problems_are_listed_at_once() {
    let manifest = read(json!({"hook_url": "http://a.example", "secrets": [{"key": ""}]}));
    let problems = manifest.validate().unwrap_err();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["name", "namespace", "hook_url", "secrets[0].key"]);
    assert_eq!(problems.to_string().lines().count(), 4);
}

#[test]
fn lengths_count_characters_and_not_bytes() {
    let manifest = Manifest {
        description: Description { short: Some("é".repeat(100)), ..Description::default() },
        ..Manifest::new("é".repeat(26), "acme")
    };
    assert_eq!(manifest.validate(), Ok(()));
}

#[test]
fn addresses_resolve_against_the_manifest_as_rfc_3986_says() {
    let base = "https://example.com/my-app/manifest.json?v=2";
    let cases = [
        ("install", "https://example.com/my-app/install"),
        ("/install", "https://example.com/install"),
        ("../a/./b", "https://example.com/a/b"),
        ("../../../a", "https://example.com/a"),
        ("?a=b", "https://example.com/my-app/manifest.json?a=b"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example:8443/x?y#z", "https://other.example:8443/x?y#z"),
    ];
    for (given, expected) in cases {
        let manifest = Manifest { install_url: Some(given.into()), ..Manifest::new("n", "n") };
        assert_eq!(manifest.resolve(base).unwrap().install_url.as_deref(), Some(expected), "{given}");
    }
}

#[test]
fn every_address_of_a_manifest_is_resolved() {
    let mut manifest: Manifest = serde_json::from_str(FIXTURE).unwrap();
    manifest.auth = Some(Auth { redirect_uri: "oauth".into(), ..Auth::default() });
    manifest.display_settings.hero_images =
        vec![HeroImage { url: "hero.gif".into(), ..HeroImage::default() }];
    manifest.signals = vec![Signal {
        references: vec![Reference { link: "more".into(), ..Reference::default() }],
        ..Signal::default()
    }];
    let mut resolved = manifest.resolve("https://example.com/app/manifest.json").unwrap();
    for (path, url) in resolved.urls_mut() {
        assert!(url.starts_with("https://"), "{path}: {url}");
    }
    assert_eq!(
        resolved.actions[0].settings_url.as_deref(),
        Some("https://example.com/app/actions/notify_channel/settings")
    );
    assert_eq!(
        resolved.resolve("https://elsewhere.example/").unwrap(),
        resolved,
        "a second time changes nothing"
    );
}

#[test]
fn a_manifest_is_not_resolved_against_what_is_no_web_address() {
    for base in ["", "manifest.json", "http://example.com/m.json", "file:///m.json", "https://"] {
        let problems = Manifest::new("n", "n").resolve(base).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().path, "manifest_url", "{base}");
    }
    let manifest =
        Manifest { hook_url: Some("ftp://x".into()), url: Some("a b".into()), ..Manifest::default() };
    assert_eq!(manifest.resolve("https://example.com/").unwrap_err().iter().count(), 2);
}

/// Any JSON value, three levels deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Keys that no version of the manifest has had.
fn unknown_keys() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("x-.{0,6}", json_value(), 0..3)
        .prop_map(|members| members.into_iter().collect())
}

prop_compose! {
    fn manifest()(
        name in ".{0,12}",
        namespace in ".{0,12}",
        url in prop::option::of(".{0,12}"),
        short in prop::option::of(".{0,12}"),
        settings in json_value().prop_filter("null reads as no settings", |value| !value.is_null()),
        severity in prop_oneof![Just("info".to_owned()), Just("positive".to_owned()), ".{0,6}"],
        value_required in any::<bool>(),
        unknown in prop::collection::vec(unknown_keys(), 10),
    ) -> Manifest {
        let [a, b, c, d, e, f, g, h, i, j] = unknown.try_into().unwrap();
        Manifest {
            name: name.clone(),
            namespace,
            url: url.clone(),
            description: Description { short, unknown: a, ..Description::default() },
            display_settings: DisplaySettings {
                logo_url: url.clone(),
                hero_images: vec![HeroImage { url: name.clone(), text: url.clone(), unknown: b }],
                unknown: c,
                ..DisplaySettings::default()
            },
            developer: Developer { name: url.clone(), unknown: d, ..Developer::default() },
            secrets: vec![DeclaredSecret { key: name.clone(), description: url.clone(), value_required, unknown: e }],
            auth: Some(Auth { redirect_uri: name.clone(), scopes: vec![name.clone()], unknown: f }),
            actions: vec![Action { settings: Some(settings), unknown: g, ..Action::new(&name, "", "") }],
            signals: vec![Signal {
                severity: serde_json::from_value(severity.into()).unwrap(),
                references: vec![Reference { link: name, text: url.clone(), unknown: h }],
                unknown: i,
                ..Signal::default()
            }],
            unknown: j,
            ..Manifest::default()
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back_with_every_unknown_key(manifest in manifest()) {
        let written = serde_json::to_vec(&manifest).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Manifest>(&written).unwrap(), manifest);
    }

    #[test]
    fn reading_validating_and_resolving_never_panic(value in json_value(), base in ".{0,20}") {
        for member in ["name", "secrets", "description", "display_settings", "developer", "homepage", "auth"] {
            if let Ok(manifest) = serde_json::from_value::<Manifest>(json!({ member: value.clone() })) {
                let _ = manifest.validate();
                let _ = manifest.resolve(&base);
            }
        }
    }
}
