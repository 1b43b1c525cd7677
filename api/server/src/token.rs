//! Access tokens: JWT (RFC 7519) signed by EdDSA, valid for ten minutes.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ravelin_api_types::AccessToken;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::secrets::random;

/// Seconds a token is good for.
const LIFETIME_SECONDS: u32 = 600;
/// Seconds a token is still taken after its end.
const LEEWAY_SECONDS: u64 = 5;
/// Seconds the clock may be set back, as time servers do, before tokens from before that end.
const SET_BACK_SECONDS: i64 = 60;
const ISSUER: &str = "ravelin";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Signs and verifies access tokens.
pub(crate) struct TokenKey {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

impl TokenKey {
    /// From an Ed25519 key pair: PKCS#8 and the raw public key.
    pub(crate) fn new(pkcs8: &[u8], public: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Self {
            signing: EncodingKey::from_ed_der(pkcs8),
            verifying: DecodingKey::from_ed_der(public),
            validation,
        }
    }

    /// A new token; None if the kernel gives no random bytes or the key cannot sign.
    pub(crate) fn issue(&self, subject: &str) -> Option<String> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let id: [u8; 16] = random().ok()?;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: subject.to_owned(),
            iat: now,
            exp: now + i64::from(LIFETIME_SECONDS),
            jti: BASE64_URL_SAFE_NO_PAD.encode(id),
        };
        encode(&Header::new(Algorithm::EdDSA), &claims, &self.signing).ok()
    }

    /// A new token as it is answered.
    pub(crate) fn access_token(&self, subject: &str) -> Option<AccessToken> {
        Some(AccessToken {
            access_token: self.issue(subject)?,
            token_type: "Bearer".to_owned(),
            expires_in_seconds: LIFETIME_SECONDS,
        })
    }

    /// The subject of a token that is genuine and not over.
    pub(crate) fn verify(&self, token: &str) -> Option<String> {
        let Claims { sub, iat, .. } = decode::<Claims>(token, &self.verifying, &self.validation)
            .ok()?
            .claims;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        // Made before the clock was set back, it would be good for longer than ten minutes.
        (iat <= now + SET_BACK_SECONDS).then_some(sub)
    }
}
