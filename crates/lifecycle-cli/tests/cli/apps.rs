//! Every example app, through every command that sends.

use crate::program::{SECRET, lifecycle};
use crate::servers::{APPS, PREVIOUS, TOKEN, app};

#[test]
fn every_app_passes_every_scenario() {
    for name in APPS {
        let app = app(name);
        for scenario in [
            "install-to-uninstall",
            "rotation-day",
            "duplicates",
            "out-of-order",
            "slow-network",
            "re-install",
        ] {
            let url = app.url("/seismic");
            let ran = lifecycle([
                "scenario",
                scenario,
                "--url",
                &url,
                "--secret",
                SECRET,
                "--previous-secret",
                PREVIOUS,
            ]);
            assert_eq!(ran.code, 0, "{name} {scenario}: {ran:?}");
            assert!(
                ran.out.contains("no administrator would have been blocked"),
                "{name} {scenario}: {ran:?}"
            );
        }
    }
}

#[test]
fn every_app_takes_each_event_on_its_own_url() {
    for name in APPS {
        let app = app(name);
        let url = app.url("/seismic/{event}");
        let ran = lifecycle(["scenario", "install-to-uninstall", "--url", &url, "--secret", SECRET]);
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
    }
}

#[test]
fn every_app_passes_the_suite_to_the_byte() {
    for name in APPS {
        let app = app(name);
        let (url, hook) = (app.url("/seismic"), app.url(&format!("/securityscorecard/hook/{TOKEN}")));
        let ran = lifecycle([
            "conformance",
            "--exact",
            "--url",
            &url,
            "--hook-url",
            &hook,
            "--secret",
            SECRET,
            "--previous-secret",
            PREVIOUS,
        ]);
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        assert!(ran.out.trim_end().ends_with(" passed, 0 failed"), "{name}: {ran:?}");
    }
}

#[test]
fn every_app_takes_the_hook_and_the_action() {
    for name in APPS {
        let app = app(name);
        let hook = app.url(&format!("/securityscorecard/hook/{TOKEN}"));
        assert_eq!(
            lifecycle(["send", "securityscorecard", "app.installed", "--url", &hook]).code,
            0,
            "{name}"
        );
        let action = app.url("/securityscorecard/actions/notify_channel");
        let secret = "ACCESS_TOKEN=s3cr3t";
        let arguments = [
            "send",
            "securityscorecard",
            "action",
            "notify_channel",
            "--url",
            &action,
            "--secret-header",
            secret,
        ];
        assert_eq!(lifecycle(arguments).code, 0, "{name}");
    }
}
