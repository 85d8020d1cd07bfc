//! Diagnosis: what keeps a request from being proven, by whatever its platform is proven with.

use std::time::SystemTime;

use lifecycle_core::{
    Algorithm as Signing, ExpectedApp, Keys as VerifierKeys, Proof, Rejection, TokenPlace, TokenScheme,
};
use lifecycle_testing::Sender;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::cause::{BODY_CUT, Finding, STALE};
use super::claims::{self, Expectation, span};
use super::form::{Form, Piece};
use super::jose::{self, Jose};
use super::key_file::{self, GivenKey, Sort};
use super::search::{Evidence, Findings, Keys, is_signature, search, search_as_it_is};
use super::token;
use crate::explain::has_public_key;
use crate::failure::Failure;
use crate::request_headers::Request;
use crate::verify;

/// The bytes of an HMAC-SHA256.
const MAC: usize = 32;

/// A request, and what it is compared with.
pub(super) struct Case<'a> {
    pub(super) sender: &'static Sender,
    pub(super) request: &'a Request,
    pub(super) material: Material<'a>,
    /// The same as the library verifies with it, if it takes it.
    pub(super) verifying: Option<VerifierKeys>,
    /// The app that the receiver is.
    pub(super) app: Option<&'a str>,
}

/// The secret or the key, as it was given.
#[derive(Clone, Copy)]
pub(super) enum Material<'a> {
    None,
    Public(&'a [u8]),
    Secret { current: &'a [u8], previous: Option<&'a [u8]> },
}

/// What was found out about a case.
pub(super) struct Diagnosis {
    pub(super) findings: Findings,
    pub(super) form: Form,
    /// What is wrong besides, and does not explain it.
    pub(super) besides: Vec<Finding>,
    /// What is known beyond the causes.
    pub(super) notes: Vec<String>,
}

impl Case<'_> {
    pub(super) fn diagnose(&self) -> Result<Diagnosis, Failure> {
        let platform = self.sender.platform();
        match platform.proof() {
            Proof::Hmac(scheme) => self.signature(Form::of(scheme)),
            Proof::PublicKey(scheme) => match scheme.scheme() {
                Some(scheme) => self.signature(Form::ed25519(scheme)),
                None => self.token(None),
            },
            Proof::Token(scheme) => self.token(Some(scheme)),
            _ => Err(Failure::new(
                format!("{} signs nothing", platform.name()),
                "compare the token in the URL with yours",
            )),
        }
    }

    /// A signature in a header.
    fn signature(&self, form: Form) -> Result<Diagnosis, Failure> {
        let request = self.request;
        if !request.headers.iter().any(|(name, _)| form.is_own(name) || is_signature(name)) {
            return Err(Failure::new(
                "there is no signature header",
                "give --signature VALUE; if the request came without one, a proxy took it off, or the platform did not send it",
            ));
        }
        let given;
        let keys = match self.material {
            Material::None => return Err(self.no_key()),
            Material::Secret { current, previous } => Keys::Secret { current, previous },
            Material::Public(bytes) => match key_file::read(bytes, Sort::Ed25519) {
                Ok(keys) => {
                    given = keys;
                    Keys::Public(&given)
                }
                Err(finding) => return Ok(Diagnosis::of(form, vec![finding])),
            },
        };
        let samples = self.samples();
        let mut findings = search(&Evidence {
            form: &form,
            body: &request.body,
            headers: &request.headers,
            keys,
            samples: &samples,
        });
        match &mut findings.causes {
            None => findings.causes = self.cut_body().map(|finding| vec![finding]),
            Some(causes) if causes.is_empty() => causes.extend(self.stale(&form)),
            Some(_) => {}
        }
        Ok(Diagnosis { findings, form, besides: Vec::new(), notes: Vec::new() })
    }

    /// A token; without its scheme, a detached signature over the body.
    fn token(&self, scheme: Option<&TokenScheme>) -> Result<Diagnosis, Failure> {
        let none = || {
            Failure::new(
                "there is no token (JWT) in the request",
                "give it as --signature, its header with -H, or the URL with --url; if the request came without one, a proxy took it off",
            )
        };
        let platform = self.sender.platform();
        let place = match (scheme, platform.proof_headers()) {
            (Some(scheme), _) => scheme.place(),
            (None, [name, ..]) => TokenPlace::Header { name, words: &[""] },
            (None, []) => return Err(none()),
        };
        let is_detached = scheme.is_none();
        let located = token::locate(self.request, place).ok_or_else(none)?;
        let mut found = located.findings;
        let own = match scheme.map(TokenScheme::algorithm) {
            Some(Signing::Hs256) => Algorithm::HmacSha256,
            _ => Algorithm::Rs256,
        };
        let mut form = Form::of_token(own);
        let jose = match Jose::read(&located.text, is_detached) {
            Ok(jose) => jose,
            Err(finding) => {
                found.push(finding);
                return Ok(Diagnosis::of(form, found));
            }
        };
        let algorithm = jose.check_algorithm(scheme.map_or("RS256", |scheme| scheme.algorithm().name()));
        let members = jose.check_members(is_detached);
        let is_certain = algorithm.is_some() || members.is_some();
        let is_other = algorithm.is_some();
        found.extend(algorithm.into_iter().chain(members));
        if let (Some(scheme), Some(claims)) = (scheme, &jose.claims) {
            found.extend(claims::check(claims, &self.expectation(scheme, &self.sample_claims())));
        }
        if is_detached {
            form = Form::detached(&jose.header_part);
        }
        // What another algorithm made says nothing of the key.
        let proof = if is_other { Proven::of(None) } else { self.prove(&form, &jose, is_detached) };
        let mut findings = proof.findings;
        if is_certain {
            found.extend(findings.causes.take().into_iter().flatten());
            findings.causes = Some(Vec::new());
        }
        match &mut findings.causes {
            Some(causes) => {
                causes.splice(0..0, found.drain(..));
                if causes.is_empty() {
                    causes.extend(self.refused_by_library());
                }
            }
            None if matches!(self.material, Material::None) => {
                if found.is_empty() {
                    return Err(self.no_key());
                }
                findings.causes = Some(std::mem::take(&mut found));
            }
            None => findings.causes = self.cut_body().filter(|_| is_detached).map(|finding| vec![finding]),
        }
        Ok(Diagnosis { findings, form, besides: found, notes: proof.notes })
    }

    /// Looks for a key that proves a token.
    fn prove(&self, form: &Form, jose: &Jose, is_detached: bool) -> Proven {
        let headers = vec![("signature".to_owned(), const_hex::encode(&jose.signature))];
        let body = if is_detached { &self.request.body } else { jose.signed.as_bytes() };
        let samples = self.samples();
        let search =
            |keys: Keys<'_>| search(&Evidence { form, body, headers: &headers, keys, samples: &samples });
        let cut = |length: usize| Proven::of(Some(vec![token::short(jose.signature.len(), length)]));
        let bytes = match self.material {
            Material::None => return Proven::of(None),
            Material::Secret { .. } if jose.signature.len() < MAC => return cut(MAC),
            Material::Secret { current, previous } => {
                return search(Keys::Secret { current, previous }).into();
            }
            Material::Public(bytes) => bytes,
        };
        let keys = match key_file::read(bytes, Sort::Rsa) {
            Ok(keys) => keys,
            Err(finding) => return Proven::of(Some(vec![finding])),
        };
        let is_named = |key: &&GivenKey| key.id.is_none() || key.id.as_deref() == jose.key_id();
        let made = |key: &&GivenKey| key.key.made(&jose.signature) != Some(false);
        let Some(named) = keys.iter().find(is_named) else {
            let detail = match jose.key_id() {
                None => "it names none, and the set's keys have ids".to_owned(),
                Some(_) if keys.iter().any(|key| made(&key)) => {
                    "another key of the set made the signature".to_owned()
                }
                Some(_) => format!("none of the set's {} has that id", keys.len()),
            };
            return Proven::of(Some(vec![Finding::with(&jose::KID, detail)]));
        };
        if jose.signature.len() < named.key.signature_length() {
            return cut(named.key.signature_length());
        }
        let makers: Vec<GivenKey> = keys.iter().filter(is_named).filter(made).cloned().collect();
        let form_of = |key: &GivenKey| key.causes.iter().map(|cause| Finding::new(cause)).collect::<Vec<_>>();
        let Some(maker) = makers.first() else {
            // What is padded otherwise is no other key's for that.
            let by_pss = search_as_it_is(&Evidence {
                form,
                body,
                headers: &headers,
                keys: Keys::Public(&keys),
                samples: &samples,
            });
            let other = || form_of(named).into_iter().chain([Finding::new(&key_file::OTHER)]).collect();
            return Proven::of(by_pss.causes.or_else(|| Some(other())));
        };
        let findings = search(Keys::Public(&makers));
        match (&findings.causes, maker.key.made(&jose.signature)) {
            (None, Some(true)) if is_detached => {
                let note = "the key is the right one, as it made this signature: it is the body that differs";
                Proven { findings, notes: vec![note.to_owned()] }
            }
            (None, Some(true)) => {
                Proven::of(Some(form_of(maker).into_iter().chain([Finding::new(&jose::CHANGED)]).collect()))
            }
            _ => findings.into(),
        }
    }

    fn expectation<'e>(&'e self, scheme: &'e TokenScheme, sample: &'e Value) -> Expectation<'e> {
        let at = self.request.at;
        Expectation {
            scheme,
            app: self.app,
            sample,
            at: at.unwrap_or_else(SystemTime::now),
            is_told: at.is_some(),
        }
    }

    /// Bodies as the platform writes them.
    fn samples(&self) -> Vec<String> {
        let samples = self.sender.events().filter_map(|(_, event)| self.sender.sample(event));
        samples.map(|sample| sample.body()).collect()
    }

    fn sample_claims(&self) -> Value {
        let event = self.sender.events().next().and_then(|(_, event)| self.sender.sample(event));
        let claims = event.and_then(|sample| sample.claims());
        claims.and_then(|claims| serde_json::from_str(&claims).ok()).unwrap_or_default()
    }

    /// Whether the body is shorter than the request's head says.
    fn cut_body(&self) -> Option<Finding> {
        let told: usize = self.request.header("content-length")?.parse().ok()?;
        let is = self.request.body.len();
        let detail = format!("content-length says {told} bytes, and the body has {is}");
        (is < told).then(|| Finding::with(&BODY_CUT, detail))
    }

    /// Whether the platform's maximum age is over, where it is known when the receiver looked.
    fn stale(&self, form: &Form) -> Option<Finding> {
        let at = self.request.at?;
        let age = self.sender.platform().max_age()?;
        let keys = self.verifying.clone()?;
        let judged = verify::judge(self.sender, self.request, keys, ExpectedApp::Any, at, Some(age));
        if !matches!(judged.err()?.rejection, Rejection::Stale) {
            return None;
        }
        let sent = form.pieces(&self.request.headers).into_iter().find_map(|piece| match piece {
            Piece::Told(text) => std::str::from_utf8(&text).ok().and_then(crate::transcript::time),
            _ => None,
        });
        let Some(sent) = sent else { return Some(Finding::new(&STALE)) };
        let (apart, side) = match at.duration_since(sent) {
            Ok(late) => (late, "before"),
            Err(early) => (early.duration(), "after"),
        };
        let apart = span(apart.as_secs_f64());
        let allowed = span(age.as_secs_f64());
        Some(Finding::with(
            &STALE,
            format!("it was sent {apart} {side} the receiver's clock, and {allowed} are allowed"),
        ))
    }

    /// What the library has against a token that is proven and valid.
    fn refused_by_library(&self) -> Option<Finding> {
        let keys = self.verifying.clone()?;
        let at = self.request.at.unwrap_or_else(SystemTime::now);
        let app = self.app.map_or_else(|| verify::named_app(self.sender, self.request), ExpectedApp::from);
        match verify::judge(self.sender, self.request, keys, app, at, None).err()?.rejection {
            Rejection::Contradiction(place) => {
                Some(Finding::with(&claims::CONTRADICTION, format!("it is `{place}`")))
            }
            Rejection::InvalidToken => Some(Finding::new(&jose::STRICT)),
            _ => None,
        }
    }

    fn no_key(&self) -> Failure {
        let title = self.sender.title();
        if has_public_key(self.sender.platform()) {
            let next = "give its file with --secret-file FILE: what the platform's page shows, or the JWK set from its URL";
            return Failure::new(format!("no public key to verify {title} with"), next);
        }
        Failure::new("no signing secret", "give --secret-env NAME, --secret-file FILE or --secret TEXT")
    }
}

/// What came of looking for a key.
struct Proven {
    findings: Findings,
    notes: Vec<String>,
}

impl Proven {
    fn of(causes: Option<Vec<Finding>>) -> Self {
        Findings { causes, tried: 0, complete: true }.into()
    }
}

impl From<Findings> for Proven {
    fn from(findings: Findings) -> Self {
        Self { findings, notes: Vec::new() }
    }
}

impl Diagnosis {
    /// What is certain without a search.
    fn of(form: Form, causes: Vec<Finding>) -> Self {
        let findings = Findings { causes: Some(causes), tried: 0, complete: true };
        Self { findings, form, besides: Vec::new(), notes: Vec::new() }
    }
}
