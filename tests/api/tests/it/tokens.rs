//! Tokens a client could try.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::world::World;

/// What a token says.
#[derive(Debug)]
pub struct Claims(Value);

impl Claims {
    pub fn valid() -> Self {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        Self(json!({"iss": "ravelin", "sub": "admin", "iat": now, "exp": now + 600, "jti": "1"}))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.0[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().expect("object").remove(name);
        self
    }
}

/// Signed with the engine's own key.
pub fn sign(world: &World, claims: &Claims) -> String {
    let pkcs8 = std::fs::read(world.state_dir().join("jwt-key.pk8")).expect("key");
    signed_by(&pkcs8, claims)
}

fn signed_by(pkcs8: &[u8], Claims(claims): &Claims) -> String {
    encode(
        &Header::new(Algorithm::EdDSA),
        claims,
        &EncodingKey::from_ed_der(pkcs8),
    )
    .expect("sign")
}

/// Tokens no engine may take, with what is wrong with them.
pub fn forged(world: &World) -> Vec<(&'static str, String)> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let other = KeyPair::generate_for(&PKCS_ED25519).expect("key").serialize_der();
    let public = {
        let pkcs8 = std::fs::read(world.state_dir().join("jwt-key.pk8")).expect("key");
        let pair = KeyPair::try_from(pkcs8.as_slice()).expect("pair");
        pair.public_key_raw().to_vec()
    };
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |header: Value| format!("{}.{}.", part(&header), part(&Claims::valid().0));
    let genuine = sign(world, &Claims::valid());
    let (signed, signature) = genuine.rsplit_once('.').expect("three parts");
    let (head, _) = signed.split_once('.').expect("three parts");
    let hmac = encode(
        &Header::new(Algorithm::HS256),
        &Claims::valid().0,
        &EncodingKey::from_secret(&public),
    );
    vec![
        (
            "expired",
            sign(world, &Claims::valid().with("exp", json!(now - 10))),
        ),
        (
            "other issuer",
            sign(world, &Claims::valid().with("iss", json!("other"))),
        ),
        ("no end", sign(world, &Claims::valid().without("exp"))),
        ("other key", signed_by(&other, &Claims::valid())),
        ("alg none", unsigned(json!({"alg": "none", "typ": "JWT"}))),
        ("no alg", unsigned(json!({"typ": "JWT"}))),
        ("public key as a secret", hmac.expect("sign")),
        ("no signature", format!("{signed}.")),
        (
            "other claims",
            format!(
                "{head}.{}.{signature}",
                part(&Claims::valid().with("exp", json!(now + 9999)).0)
            ),
        ),
        ("garbage", "nonsense".to_owned()),
        ("three dots", "a.b.c".to_owned()),
        ("long", "a".repeat(8000)),
    ]
}
