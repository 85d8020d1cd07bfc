//! Sending: takes requests to the app, judges the answers, and records both with what follows from them.

use std::time::Duration;

use lifecycle_core::{EventKind, Status};
use lifecycle_testing::{Consequence, Reason, SigningKeys};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Claim, Marketplace};
use crate::app::App;
use crate::courier::Sent;
use crate::delivery::{Answer, Cause, Delivery, Effect, Header, Request, Role, State};
use crate::forgery::Forgery;
use crate::installation;
use crate::occurrence::Occurrence;
use crate::outcome::Outcome;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::{EngineError, Finish, NewDelivery};
use crate::tenant::Tenant;

/// How long a body that never ends is held by an app that does not mind.
const ENDLESS: Duration = Duration::from_secs(10);

/// What goes through if every copy is acknowledged; where the platform does not wait for the app, whatever it answers.
pub(super) struct Stake {
    pub(super) kind: EventKind,
    pub(super) status: Option<Status>,
    pub(super) version: Option<String>,
}

/// A request with what else has to be sent: headers that are not stored, and values to hide in the answer.
pub(super) struct Outgoing {
    pub(super) request: Request,
    pub(super) occurrence: Option<Occurrence>,
    pub(super) forgery: Option<Forgery>,
    pub(super) hidden_headers: Vec<Header>,
    pub(super) hidden_values: Vec<Zeroizing<String>>,
    /// What the answer to a handshake is checked with.
    pub(super) keys: Option<SigningKeys>,
    /// What became of the action, where no stake decides it.
    pub(super) effect: Effect,
}

impl Outgoing {
    /// A request that nothing is to be hidden of.
    pub(super) fn new(request: Request) -> Self {
        let (hidden_headers, hidden_values) = (Vec::new(), Vec::new());
        Self {
            request,
            occurrence: None,
            forgery: None,
            hidden_headers,
            hidden_values,
            keys: None,
            effect: Effect::None,
        }
    }
}

/// The copies of a click and why they are sent.
pub(super) struct Click {
    pub(super) tenant: Tenant,
    pub(super) repeats: Option<i64>,
    pub(super) roles: Vec<Role>,
}

/// A click that is recorded, and whose requests are on their way.
#[derive(Debug)]
pub(crate) struct Started {
    /// Its number: that of its first delivery. `None` where nothing is sent.
    pub(crate) click: Option<i64>,
    /// Where the browser goes next, if the app has an installation page.
    pub(crate) redirect: Option<String>,
    done: Option<oneshot::Receiver<Result<Vec<Delivery>, Problem>>>,
}

impl Started {
    /// Something that needs no answer of the app.
    pub(super) fn silent() -> Self {
        Self { click: None, redirect: None, done: None }
    }

    /// Deliveries that are not sent.
    pub(super) fn at_rest(delivery: Delivery) -> Self {
        let (done, wait) = oneshot::channel();
        let click = Some(delivery.batch);
        let _ = done.send(Ok(vec![delivery])); // the receiver is below
        Self { click, redirect: None, done: Some(wait) }
    }

    /// The same, with where the browser goes next.
    pub(super) fn leading_to(mut self, redirect: Option<String>) -> Self {
        self.redirect = redirect;
        self
    }

    /// Completes when the app has answered, or its time is over.
    pub(crate) async fn finished(self) -> Result<Vec<Delivery>, Problem> {
        match self.done {
            Some(done) => done.await.unwrap_or_else(|_| Err(Problem::from(EngineError::Damaged))),
            None => Ok(Vec::new()),
        }
    }
}

impl Marketplace {
    /// Records the copies and sends them at once, in the background. With a stake, the action goes through if all of them are
    /// acknowledged in time.
    pub(super) async fn deliver(
        &self,
        app: App,
        click: Click,
        outgoing: Outgoing,
        stake: Option<Stake>,
        claim: Option<Claim>,
    ) -> Result<Started, Problem> {
        let mut ids: Vec<i64> = Vec::new();
        for role in &click.roles {
            let new = NewDelivery {
                app: app.id,
                tenant: click.tenant.id,
                request: outgoing.request.clone(),
                occurrence: outgoing.occurrence.clone(),
                forgery: outgoing.forgery,
                batch: ids.first().copied(),
                repeats: click.repeats,
                role: *role,
                state: State::Sending,
                effect: Effect::None,
                cause: None,
            };
            ids.push(self.run(move |store| store.add_delivery(&new)).await?);
        }
        if let (Some(claim), Some(first)) = (&claim, ids.first()) {
            claim.is_for(*first);
        }
        Ok(self.background(app, click.tenant, ids, outgoing, stake, claim))
    }

    /// Sends deliveries that are recorded.
    pub(super) fn background(
        &self,
        app: App,
        tenant: Tenant,
        ids: Vec<i64>,
        outgoing: Outgoing,
        stake: Option<Stake>,
        claim: Option<Claim>,
    ) -> Started {
        let (done, wait) = oneshot::channel();
        let click = ids.first().copied();
        let marketplace = self.clone();
        self.spawn(async move {
            let finishes = marketplace.send(app.platform(), &ids, &outgoing).await;
            let concluded = marketplace.conclude(&app, &tenant, finishes, stake, &ids).await;
            drop(claim);
            let _ = done.send(concluded); // nobody may wait any more
        });
        Started { click, redirect: None, done: Some(wait) }
    }

    /// Sends one copy for each delivery and judges each answer.
    async fn send(&self, platform: Platform, ids: &[i64], outgoing: &Outgoing) -> Vec<Finish> {
        let tasks: Vec<_> = ids.iter().map(|_| tokio::spawn(self.post(platform, outgoing))).collect();
        let mut finishes = Vec::new();
        for (id, task) in ids.iter().zip(tasks) {
            let Ok(sent) = task.await else { continue };
            finishes.push(finish(*id, platform, sent, outgoing));
        }
        finishes
    }

    /// Records how the deliveries ended, and with them what went through.
    async fn conclude(
        &self,
        app: &App,
        tenant: &Tenant,
        mut finishes: Vec<Finish>,
        stake: Option<Stake>,
        ids: &[i64],
    ) -> Result<Vec<Delivery>, Problem> {
        let mut applied = None;
        if let Some(stake) = stake {
            let acknowledged = finishes.iter().all(|finish| finish.state == State::Acknowledged);
            let through = acknowledged || !app.platform().blocks();
            for finish in &mut finishes {
                finish.effect = if through { Effect::Applied } else { Effect::Blocked };
            }
            if through {
                applied = Some((stake.status_after(), stake.version));
            }
        }
        let (app_id, tenant_id) = (app.id, tenant.id);
        self.run(move |store| {
            let applied =
                applied.as_ref().map(|(status, version)| (app_id, tenant_id, *status, version.as_deref()));
            store.finish(&finishes, applied)
        })
        .await?;
        let mut deliveries = Vec::new();
        for id in ids {
            deliveries.push(self.delivery(*id).await?);
        }
        for delivery in &deliveries {
            let _ = self.0.outcomes.send(Outcome::of(delivery, app, tenant)); // nobody may listen
        }
        Ok(deliveries)
    }

    fn post(&self, platform: Platform, outgoing: &Outgoing) -> impl Future<Output = Sent> + Send + use<> {
        let courier = self.0.courier.clone();
        let mut request = outgoing.request.clone();
        request.headers.retain(|header| outgoing.hidden_headers.iter().all(|own| own.name != header.name));
        request.headers.extend(outgoing.hidden_headers.iter().cloned());
        let is_endless = outgoing.forgery == Some(Forgery::SlowBody);
        let deadline = if is_endless { ENDLESS } else { platform.deadline() };
        async move { courier.send(&request, deadline, is_endless).await }
    }
}

impl Stake {
    pub(super) fn status_after(&self) -> Status {
        installation::status_after(&self.kind).or(self.status).unwrap_or(Status::Installed)
    }
}

fn finish(id: i64, platform: Platform, sent: Sent, outgoing: &Outgoing) -> Finish {
    let judged = judge(platform, &sent, outgoing);
    let answer = sent.answer.ok().map(|answer| without(answer, &outgoing.hidden_values));
    let state = if judged.is_ok() { State::Acknowledged } else { State::Failed };
    Finish { id, state, effect: outgoing.effect, answer, cause: judged.err(), elapsed: sent.elapsed }
}

/// Whether the platform takes an answer as an acknowledgement, and why if not.
fn judge(platform: Platform, sent: &Sent, outgoing: &Outgoing) -> Result<(), Cause> {
    let answer = sent.answer.as_ref().map_err(Clone::clone)?;
    let event = outgoing.request.event.as_str();
    let handshake = platform.sender().handshake().filter(|_| platform.is_handshake(event));
    let judged = match (handshake, &outgoing.keys, &outgoing.occurrence) {
        (Some(_), Some(keys), Some(occurrence)) => {
            let sample = occurrence.sample(platform).map(|sample| sample.judged_by(keys));
            sample.map(|sample| sample.judge(Some(answer.judged()), sent.elapsed))
        }
        _ => None,
    };
    let judged = judged.unwrap_or_else(|| platform.sender().judge(Some(answer.judged()), sent.elapsed));
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
        (_, Reason::Challenge) => Err(Cause::new("challenge", judged.reason.to_string())),
        (_, Reason::ContentType) => Err(Cause::new("content-type", judged.reason.to_string())),
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
        let request = Request {
            event: "install".into(),
            method: "POST".into(),
            url: String::new(),
            headers: vec![],
            body: String::new(),
        };
        judge(platform, &sent, &Outgoing::new(request)).err().map(|cause| (cause.code, cause.text))
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
