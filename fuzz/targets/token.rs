//! Token: any header and any claims, signed by the right key. What is accepted is what a straight-line reading accepts too.
#![no_main]

use fuzz::{Request, Verdict, halves, now, subject};
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{Platform, Proof, TokenScheme, bigcommerce, monday, saleor, wix};
use lifecycle_testing::{SignedRequest, registry};
use serde_json::Value;

/// BigCommerce demands an issuer and an audience, monday neither, Wix signs by RS256, and Saleor's signatures are detached.
static PLATFORMS: [&Platform; 4] =
    [&bigcommerce::PLATFORM, &monday::PLATFORM, &wix::PLATFORM, &saleor::PLATFORM];

fuzz_target!(|data: &[u8]| {
    let [platform, text @ ..] = data else { return };
    // The slow ones in one of eight.
    let platform = PLATFORMS[if platform % 8 < 6 { platform % 2 } else { platform % 2 + 2 } as usize];
    let (header, claims) = halves(text);
    let (Ok(header), Ok(claims)) = (std::str::from_utf8(header), std::str::from_utf8(claims)) else { return };
    let index = registry().iter().position(|sender| sender.platform().name() == platform.name());
    let subject = subject(index.and_then(|index| u8::try_from(index).ok()).expect("it is one of them"));
    let token = subject.keys.sign_token(header, claims);
    let (signed, algorithm) = match platform.proof() {
        Proof::Token(scheme) => {
            (SignedRequest::with_token(platform, &token, &[], "/uninstall", ""), scheme.algorithm().name())
        }
        _ => (detached(platform, &token), "RS256"),
    };
    let verdict = subject.judge(&Request::of(&signed), 0);
    let is_proven = !matches!(
        verdict,
        Verdict::Rejected(
            "invalid-token" | "missing-token" | "stale" | "signature-mismatch" | "missing-signature"
        )
    );
    if is_proven {
        assert!(is_sound(platform, algorithm, header, claims), "{header} {claims}");
    }
});

/// Its header and signature beside what it signs: a body of base64url.
fn detached(platform: &Platform, token: &str) -> SignedRequest {
    let mut parts = token.splitn(3, '.');
    let [header, payload, signature] = [(); 3].map(|()| parts.next().expect("it has three"));
    let keys = lifecycle_testing::SigningKeys::for_tests(platform);
    let mut request = SignedRequest::new(platform, &keys, &[], payload, now());
    request.headers = vec![(saleor::SIGNATURE.to_owned(), format!("{header}..{signature}"))];
    request
}

/// The same rules, read the plain way.
fn is_sound(platform: &Platform, algorithm: &str, header: &str, claims: &str) -> bool {
    let Ok(header) = serde_json::from_str::<Value>(header) else { return false };
    let names = ["jku", "jwk", "x5c", "x5u", "zip"];
    let chooses_no_key = names.iter().all(|name| header.get(name).is_none());
    if header["alg"] != algorithm || !chooses_no_key {
        return false;
    }
    if platform.name() == "saleor" {
        return header["b64"] == false && header["crit"] == serde_json::json!(["b64"]);
    }
    let Ok(claims) = serde_json::from_str::<Value>(claims) else { return false };
    let now = now().duration_since(std::time::UNIX_EPOCH).expect("it is later").as_secs_f64();
    let leeway = TokenScheme::LEEWAY.as_secs_f64();
    let is_valid = claims["exp"].as_f64().is_some_and(|end| now < end + leeway)
        && claims["nbf"].as_f64().is_none_or(|begin| begin <= now + leeway);
    let is_meant = platform.name() != "bigcommerce" || claims["iss"] == "bc";
    is_valid && is_meant && header.get("crit").is_none() && header.get("b64").is_none()
}
