//! What follows from the shape of an operation, so that no handler has to repeat it: its errors, the headers of its
//! answers, the credential it needs.

use axum::http::Method;
use ravelin_api_types::PROBLEM_MEDIA_TYPE;
use utoipa::Modify;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};

use crate::routes::{HEALTH_PATH, SYSTEM_PATH, TOKEN_PATH};

/// Names of the credentials.
#[derive(Debug)]
pub(super) struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut OpenApi) {
        let bearer = |format: &str, description: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
            SecurityScheme::Http(
                scheme
                    .bearer_format(format)
                    .description(Some(description))
                    .build(),
            )
        };
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme(
            "access_token",
            bearer("JWT", "From `POST /api/v1/auth/token`; good for ten minutes."),
        );
        components.add_security_scheme(
            "admin_token",
            bearer(
                "opaque",
                "Made when the engine first starts; lies in its state directory.",
            ),
        );
    }
}

/// Names, statuses and descriptions of the errors.
const ERRORS: [(&str, &str, &str); 15] = [
    ("400", "BadRequest", "Malformed body, query or header."),
    ("401", "Unauthorized", "No credential, or one that is not valid."),
    ("404", "NotFound", "There is no such resource."),
    (
        "409",
        "Conflict",
        "Something stands in the way; `blocked_by` names it.",
    ),
    (
        "412",
        "PreconditionFailed",
        "The resource has changed; `current_etag` says to what.",
    ),
    ("413", "ContentTooLarge", "The body is too large."),
    ("415", "UnsupportedMediaType", "The body has another media type."),
    (
        "422",
        "UnprocessableContent",
        "The body is well-formed and not valid; `errors` says where.",
    ),
    ("428", "PreconditionRequired", "`If-Match` is missing."),
    (
        "429",
        "TooManyRequests",
        "Over the rate limit; `Retry-After` says how long.",
    ),
    ("431", "HeaderFieldsTooLarge", "The header is too large."),
    ("500", "InternalServerError", "A fault of the engine."),
    (
        "503",
        "ServiceUnavailable",
        "Not ready, no data plane, or shutting down.",
    ),
    (
        "507",
        "InsufficientStorage",
        "A map of the data plane has no room for this.",
    ),
    (
        "405",
        "MethodNotAllowed",
        "`Allow` lists the methods of this path.",
    ),
];

/// Adds what every operation has in common.
pub(super) fn complete(openapi: &mut OpenApi) {
    let components = openapi.components.get_or_insert_with(Components::new);
    for (status, name, description) in ERRORS {
        let mut response = problem(description);
        match status {
            "401" => header(&mut response, "WWW-Authenticate", text("Always `Bearer`.")),
            "405" => header(&mut response, "Allow", text("Methods of this path.")),
            "429" | "503" => {
                header(
                    &mut response,
                    "Retry-After",
                    number("Seconds until it is worth trying again."),
                );
            }
            _ => {}
        }
        components.responses.insert(name.to_owned(), response.into());
    }
    refer_to_items(components);
    add_patches(components);
    add_live_flows(components);
    for (path, item) in &mut openapi.paths.paths {
        let by_method = [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
            (Method::PATCH, &mut item.patch),
        ];
        for (method, operation) in by_method {
            if let Some(operation) = operation {
                complete_operation(&method, path, operation);
            }
        }
    }
}

/// The derive repeats the schema of the items in every page; generators would make a type of each copy.
fn refer_to_items(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let item = name.strip_prefix("Page_");
        if let (Some(item), RefOr::T(Schema::Object(page))) = (item, schema)
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

/// What policy objects say, as merge patches: nothing has to be there.
fn add_patches(components: &mut Components) {
    for name in [
        "Zone",
        "ZonePair",
        "Rule",
        "Service",
        "NatRule",
        "PublishedService",
        "InterfaceSettings",
        "Route",
        "PolicyRoute",
        "DnsServer",
    ] {
        let spec = format!("{name}Spec");
        if let Some(RefOr::T(Schema::Object(whole))) = components.schemas.get(&spec) {
            let mut patch = whole.clone();
            patch.required.clear();
            patch.description = Some(format!(
                "Members of `{spec}` to change. `null` has a member take the value it has when missing."
            ));
            let patch = RefOr::T(Schema::Object(patch));
            components.schemas.insert(format!("{spec}Patch"), patch);
        }
    }
}

/// Answers to changes say what they mean for live connections, beside what they show.
fn add_live_flows(components: &mut Components) {
    let problem = ObjectBuilder::new().schema_type(Type::String).description(Some(
        "Only in the answer to a change: why live connections could not be judged. The change holds all the same.",
    ));
    let members: [(&str, RefOr<Schema>); 2] = [
        ("live_flows", Ref::from_schema_name("LiveFlows").into()),
        ("live_flows_problem", problem.build().into()),
    ];
    for name in JUDGED {
        if let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(name) {
            for (member, schema_of_member) in &members {
                schema
                    .properties
                    .insert((*member).to_owned(), schema_of_member.clone());
            }
        }
    }
}

/// What answers to changes of the policy, and of lists it names, show.
const JUDGED: [&str; 14] = [
    "Zone",
    "ZonePair",
    "Rule",
    "Service",
    "NatRule",
    "PublishedService",
    "InterfaceSettings",
    "Route",
    "PolicyRoute",
    "DnsServer",
    "RuleOrder",
    "NatRuleOrder",
    "AddedEntries",
    "ImportReport",
];

fn complete_operation(method: &Method, path: &str, operation: &mut Operation) {
    let changes = *method != Method::GET && path != TOKEN_PATH;
    if changes && *method == Method::POST {
        operation
            .parameters
            .get_or_insert_default()
            .push(idempotency_key().into());
    }
    if super::parameters(operation).any(|p| p.name == "confirm_within_seconds") {
        operation.parameters.get_or_insert_default().push(prefer().into());
    }
    let judges = super::parameters(operation).any(|p| p.name == "confirm_within_seconds")
        || (changes && path.contains("/entries"));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            header(
                response,
                "X-Request-Id",
                text("Names this request in the audit trail and the log."),
            );
            // What is done to the machine is no change of the configuration.
            if changes && !path.starts_with(SYSTEM_PATH) {
                header(
                    response,
                    "Ravelin-Revision",
                    number("Revision of the configuration afterwards."),
                );
            }
            if judges {
                header(
                    response,
                    "Ravelin-Live-Flows",
                    text("What it meant for live connections, such as `kept=1998, cut=2, unjudged=0`."),
                );
            }
        }
    }
    for (status, name, _) in ERRORS {
        if answers(status, method, path, operation) {
            let response = Ref::from_response_name(name);
            operation
                .responses
                .responses
                .insert(status.to_owned(), response.into());
        }
    }
    if operation.security.is_none() {
        let required: [&str; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new("access_token", required)]);
    }
}

fn answers(status: &str, method: &Method, path: &str, operation: &Operation) -> bool {
    let parameters = || super::parameters(operation);
    let has_body = operation.request_body.is_some();
    let has_if_match = parameters().any(|p| p.name == "If-Match");
    let changes = *method != Method::GET && path != TOKEN_PATH;
    match status {
        "400" | "429" | "431" | "500" => true,
        "401" | "503" => path != HEALTH_PATH,
        "404" => parameters().any(|p| p.parameter_in == ParameterIn::Path),
        "409" | "507" => changes,
        "412" | "428" => has_if_match,
        "413" => *method != Method::GET,
        "415" => has_body,
        "422" => has_body || (changes && *method == Method::POST),
        _ => false,
    }
}

fn problem(description: &str) -> Response {
    let content = || Content::new(Some(Ref::from_schema_name("Problem")));
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_MEDIA_TYPE, content())
        // Never sent: for client generators that type this media type only.
        .content("application/json", content())
        .build();
    header(
        &mut response,
        "X-Request-Id",
        text("Names this request in the audit trail and the log."),
    );
    response
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A request with the key of an earlier one gets that one's answer, for 24 hours or until the engine restarts.",
        ))
        .schema(Some(schema))
        .build()
}

fn prefer() -> Parameter {
    ParameterBuilder::new()
        .name("Prefer")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "`dry-run` (RFC 7240): nothing is stored; the answer is 200 with a `CommitReport` and `Preference-Applied`.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn header(response: &mut Response, name: &str, header: Header) {
    response.headers.insert(name.to_owned(), header.into());
}

fn text(description: &str) -> Header {
    described(Type::String, description)
}

fn number(description: &str) -> Header {
    described(Type::Integer, description)
}

fn described(kind: Type, description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(kind).build());
    header.description = Some(description.to_owned());
    header
}
