//! Forging: requests that a receiver has to refuse, or to bear.

use std::time::{Duration, SystemTime};

use lifecycle_core::TokenPlace;

use super::Marketplace;
use super::callback::request;
use super::sending::{Click, Outgoing, Started};
use crate::app::App;
use crate::delivery::{Request, Role};
use crate::forgery::Forgery;
use crate::occurrence::Occurrence;
use crate::platform::Platform;
use crate::problem::Problem;

/// How old a captured request is: older than any platform's limit.
const LONG_AGO: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Marketplace {
    /// Sends what is not quite an event about this tenant. Whatever the answer, nothing changes here.
    pub(crate) async fn forge(&self, app: i64, tenant: i64, forgery: Forgery) -> Result<Started, Problem> {
        let (app, tenant) = self.both(app, tenant).await?;
        let platform = app.platform();
        let event = platform.events().first().copied().filter(|_| app.callbacks().is_some());
        let Some(event) = event.filter(|_| forgery.suits(platform)) else {
            let detail = format!("{} has nothing of this sort to forge", platform.title());
            return Err(Problem::invalid("forgery", detail));
        };
        let version = app.callbacks().map(|callbacks| callbacks.version.clone());
        let occurrence = Occurrence::new(&app, &tenant, self.tenant_id(&tenant), event)
            .with_versions(version.as_deref().filter(|_| platform.vendor().has_versions), None);
        let outgoing = self.forged(&app, occurrence, forgery).await?;
        let click = Click { tenant, repeats: None, roles: vec![Role::Action] };
        self.deliver(app, click, outgoing, None, None).await
    }

    pub(super) async fn forged(
        &self,
        app: &App,
        occurrence: Occurrence,
        forgery: Forgery,
    ) -> Result<Outgoing, Problem> {
        let platform = app.platform();
        let now = SystemTime::now();
        let genuine = match forgery {
            Forgery::Stale => self.written(app, occurrence.at(now - LONG_AGO), now - LONG_AGO).await?,
            Forgery::UnknownKind => self.written(app, occurrence.unknown(), now).await?,
            _ => self.written(app, occurrence, now).await?,
        };
        let mut outgoing = Outgoing { forgery: Some(forgery), ..genuine };
        match forgery {
            Forgery::ChangedBody => change(&mut outgoing.request, platform),
            Forgery::Unsigned => strip(&mut outgoing.request, platform),
            Forgery::UnknownSecret => {
                if let Some(occurrence) = &outgoing.occurrence {
                    let notes = ["signed by a key that no app has".to_owned()];
                    outgoing.request = request(app, occurrence, now, &platform.unknown_keys(), &notes)?;
                }
            }
            Forgery::SwappedHeader => swap(&mut outgoing.request, platform),
            Forgery::SlowBody | Forgery::Stale | Forgery::UnknownKind => {}
        }
        Ok(outgoing)
    }
}

/// Changes one letter of what is signed: in the middle of the token, where that is the proof, or else of the body.
fn change(request: &mut Request, platform: Platform) {
    match platform.token_place() {
        Some(TokenPlace::Query(_)) => request.url = changed_token(&request.url),
        Some(TokenPlace::Header { name, .. }) => {
            for header in request.headers.iter_mut().filter(|header| header.name == name) {
                header.value = changed_token(&header.value);
                header.note = Some("one letter of it was changed after signing".to_owned());
            }
        }
        Some(_) => request.body = changed_token(&request.body),
        None => request.body = changed_text(&request.body),
    }
}

/// Another letter in the middle of the last part but one: the claims.
fn changed_token(token: &str) -> String {
    let (Some(first), Some(last)) = (token.find('.'), token.rfind('.')) else { return changed_text(token) };
    let start =
        if token[..last].rfind('.') == Some(first) { first } else { token[..last].rfind('.').unwrap_or(0) };
    format!("{}{}{}", &token[..start], changed_text(&token[start..last]), &token[last..])
}

/// Another letter in place of the first one behind the middle.
fn changed_text(text: &str) -> String {
    let behind = text.char_indices().filter(|(at, c)| at * 2 >= text.len() && c.is_ascii_alphabetic());
    let Some((at, letter)) = behind.into_iter().next() else { return format!("{text} ") };
    let other = if letter == 'x' { 'y' } else { 'x' };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

/// Leaves the proof out.
fn strip(request: &mut Request, platform: Platform) {
    let proof = platform.core().proof_headers();
    request.headers.retain(|header| !proof.contains(&header.name.as_str()));
    match platform.token_place() {
        Some(TokenPlace::Query(name)) => {
            let parameter = format!("{name}=");
            if let Some((url, query)) = request.url.split_once('?') {
                let others: Vec<&str> =
                    query.split('&').filter(|pair| !pair.starts_with(&parameter)).collect();
                request.url =
                    if others.is_empty() { url.to_owned() } else { format!("{url}?{}", others.join("&")) };
            }
        }
        Some(TokenPlace::Body) => request.body.clear(),
        _ => {}
    }
}

fn swap(request: &mut Request, platform: Platform) {
    let Some((name, value)) = platform.swapped_header() else { return };
    for header in request.headers.iter_mut().filter(|header| header.name == name) {
        header.value.clone_from(&value);
        header.note = Some("another event's; no signature covers it".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_the_form_of_what_is_changed() {
        assert_eq!(changed_text(r#"{"a":"bcd","e":1}"#), r#"{"a":"bcd","x":1}"#);
        assert_eq!(changed_text(""), " ");
        assert_eq!(changed_token("aaaa.bbbb.cccc"), "aaaa.bbxb.cccc");
    }
}
