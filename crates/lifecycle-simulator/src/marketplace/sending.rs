//! Sending: takes requests to the app, judges the answers, and records both with what follows from them.

use lifecycle_core::{EventKind, Status};
use lifecycle_testing::{Consequence, Reason};
use zeroize::Zeroizing;

use super::Marketplace;
use crate::app::App;
use crate::courier::Sent;
use crate::delivery::{Answer, Cause, Delivery, Effect, Header, Request, Role, State};
use crate::installation;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::{Finish, NewDelivery};

/// What goes through if every copy is acknowledged.
pub(super) struct Stake<'a> {
    pub(super) kind: &'a EventKind,
    pub(super) status: Option<Status>,
    pub(super) version: &'a str,
}

/// A request with what else has to be sent: headers that are not stored, and values to hide in the answer.
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a Request,
    pub(super) hidden_headers: Vec<Header>,
    pub(super) hidden_values: Vec<Zeroizing<String>>,
}

/// The copies of a click and why they are sent.
pub(super) struct Click {
    pub(super) tenant: i64,
    pub(super) repeats: Option<i64>,
    pub(super) roles: Vec<Role>,
}

impl Marketplace {
    /// Sends the copies at once. With a stake, the action goes through if all of them are acknowledged in time.
    pub(super) async fn deliver(
        &self,
        app: &App,
        click: &Click,
        outgoing: &Outgoing<'_>,
        stake: Option<Stake<'_>>,
    ) -> Result<Vec<Delivery>, Problem> {
        let mut ids: Vec<i64> = Vec::new();
        for role in &click.roles {
            let new = NewDelivery {
                app: app.id,
                tenant: click.tenant,
                request: outgoing.request.clone(),
                batch: ids.first().copied(),
                repeats: click.repeats,
                role: *role,
                state: State::Sending,
                effect: Effect::None,
                cause: None,
            };
            ids.push(self.run(move |store| store.add_delivery(&new)).await?);
        }
        let finishes = self.send(app, &ids, outgoing).await;
        self.conclude(app.id, click.tenant, finishes, stake).await?;
        let mut deliveries = Vec::new();
        for id in ids {
            deliveries.push(self.delivery(id).await?);
        }
        Ok(deliveries)
    }

    /// Sends one copy for each delivery and judges each answer.
    pub(super) async fn send(&self, app: &App, ids: &[i64], outgoing: &Outgoing<'_>) -> Vec<Finish> {
        let platform = app.registration.platform();
        let tasks: Vec<_> = ids.iter().map(|_| tokio::spawn(self.post(platform, outgoing))).collect();
        let mut finishes = Vec::new();
        for (id, task) in ids.iter().zip(tasks) {
            let Ok(sent) = task.await else { continue };
            finishes.push(finish(*id, platform, sent, &outgoing.hidden_values));
        }
        finishes
    }

    /// Records how the deliveries ended, and with them what went through.
    pub(super) async fn conclude(
        &self,
        app: i64,
        tenant: i64,
        mut finishes: Vec<Finish>,
        stake: Option<Stake<'_>>,
    ) -> Result<(), Problem> {
        let mut applied = None;
        if let Some(stake) = stake {
            let through = finishes.iter().all(|finish| finish.state == State::Acknowledged);
            for finish in &mut finishes {
                finish.effect = if through { Effect::Applied } else { Effect::Blocked };
            }
            if through {
                let status =
                    installation::status_after(stake.kind).or(stake.status).unwrap_or(Status::Installed);
                applied = Some((status, stake.version.to_owned()));
            }
        }
        self.run(move |store| {
            let applied =
                applied.as_ref().map(|(status, version)| (app, tenant, *status, Some(version.as_str())));
            store.finish(&finishes, applied)
        })
        .await
    }

    fn post(&self, platform: Platform, outgoing: &Outgoing<'_>) -> impl Future<Output = Sent> + Send + use<> {
        let courier = self.0.courier.clone();
        let request = outgoing.request.clone();
        let mut headers = request.headers;
        headers.retain(|header| outgoing.hidden_headers.iter().all(|hidden| hidden.name != header.name));
        headers.extend(outgoing.hidden_headers.iter().cloned());
        async move { courier.post(&request.url, &headers, &request.body, platform.deadline()).await }
    }
}

fn finish(id: i64, platform: Platform, sent: Sent, hidden: &[Zeroizing<String>]) -> Finish {
    let judged = judge(platform, &sent);
    let answer = sent.answer.ok().map(|answer| without(answer, hidden));
    let state = if judged.is_ok() { State::Acknowledged } else { State::Failed };
    Finish { id, state, effect: Effect::None, answer, cause: judged.err(), elapsed: sent.elapsed }
}

/// Whether the platform takes an answer as an acknowledgement, and why if not.
fn judge(platform: Platform, sent: &Sent) -> Result<(), Cause> {
    let answer = sent.answer.as_ref().map_err(Clone::clone)?;
    let judged = platform.sender().judge(Some(answer.judged()), sent.elapsed);
    match (judged.consequence, judged.reason) {
        (Consequence::Accepted, _) => Ok(()),
        (_, Reason::Status { got: 200..300, .. }) => {
            Err(Cause::new("wrong-status", judged.reason.to_string()))
        }
        (_, Reason::Status { got, .. }) => Err(match answer.problem_code() {
            Some(code) => Cause::new(&code, format!("{got} {code}")),
            None => Cause::new("error-status", format!("status {got}")),
        }),
        (_, Reason::Redirect(_)) => Err(Cause::new("redirect", judged.reason.to_string())),
        (_, Reason::Late { .. }) => Err(Cause::new("late", judged.reason.to_string())),
        _ => Err(Cause::new("not-acknowledged", judged.reason.to_string())),
    }
}

/// Hides the secrets that an app repeats in its answer.
fn without(mut answer: Answer, hidden: &[Zeroizing<String>]) -> Answer {
    for value in hidden.iter().filter(|value| value.len() >= 4) {
        let escaped = Zeroizing::new(serde_json::to_string(&**value).unwrap_or_default());
        for form in [value.as_str(), escaped.trim_matches('"')] {
            answer.body = answer.body.replace(form, "(hidden)");
            for header in &mut answer.headers {
                header.value = header.value.replace(form, "(hidden)");
            }
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_secret_that_comes_back_is_hidden() {
        let secret = Zeroizing::new("hun\"ter2".to_owned());
        let answer = Answer {
            status: 500,
            headers: vec![Header::new("x-debug", "token=hun\"ter2")],
            body: r#"{"token":"hun\"ter2"} hun"ter2"#.into(),
            truncated: false,
        };
        let kept = without(answer, &[secret]);
        assert_eq!(kept.body, r#"{"token":"(hidden)"} (hidden)"#);
        assert_eq!(kept.headers[0].value, "token=(hidden)");
    }

    fn judged(platform: &str, status: u16, body: &str) -> Option<(String, String)> {
        let answer = Answer { status, headers: vec![], body: body.into(), truncated: false };
        let sent = Sent { answer: Ok(answer), elapsed: Duration::ZERO };
        let platform = Platform::from_name(platform).unwrap();
        judge(platform, &sent).err().map(|cause| (cause.code, cause.text))
    }

    #[test]
    fn only_the_exact_acknowledgement_lets_an_action_through() {
        let mismatch = r#"{"title":"x","status":401,"code":"signature-mismatch"}"#;
        for (status, body, code, text) in [
            (200, "", "wrong-status", "200 where 202 is required"),
            (204, "", "wrong-status", "204 where 202 is required"),
            (302, "", "redirect", "redirect 302: the platform follows none"),
            (401, mismatch, "signature-mismatch", "401 signature-mismatch"),
            (401, "", "error-status", "status 401"),
            (500, "<h1>Oops</h1>", "error-status", "status 500"),
            (500, r#"{"code":7}"#, "error-status", "status 500"),
            (500, r#"{"code":"<script>"}"#, "error-status", "status 500"),
        ] {
            assert_eq!(judged("seismic", status, body), Some((code.into(), text.into())), "{status} {body}");
        }
        assert_eq!(judged("seismic", 202, "anything"), None);
    }

    #[test]
    fn where_nothing_waits_any_success_will_do() {
        assert_eq!(judged("securityscorecard", 200, ""), None);
        assert_eq!(judged("securityscorecard", 204, ""), None);
        assert_eq!(judged("securityscorecard", 404, "").unwrap().0, "error-status");
    }
}
