//! The API's description, generated from the handlers and the view types, and kept in `openapi.json` for the pages.

use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Schema};

/// Schemas that callers send: their optional fields may be absent.
const SENT: [&str; 9] = [
    "AssetChange",
    "Hours",
    "NewAcknowledgement",
    "NewEnrollment",
    "NewSession",
    "Policy",
    "Probe",
    "Threshold",
    "WorkOrderChange",
];

/// What the description starts from, before the handlers add their paths.
pub fn start() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Trạm")
        .description(Some(
            "Times are milliseconds since 1970. Errors are application/problem+json in both languages.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    let mut components = Components::new();
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("tram_session"))),
    );
    let either = ["token", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(either)).build()
}

/// Says what the types alone do not: an answer always carries each of its fields, null where there is nothing; pages
/// refer to their items' type; each operation has a name of its own.
pub fn finish(api: &mut OpenApi) {
    if let Some(components) = &mut api.components {
        for (name, schema) in &mut components.schemas {
            if let Some(item) = name.strip_prefix("Page_") {
                refer_to_items(schema, item);
            }
            if !SENT.contains(&name.as_str()) {
                require_all(schema);
            }
        }
    }
    for (path, item) in &mut api.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
    }
}

fn require_all(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.required = object.properties.keys().cloned().collect();
        object.properties.values_mut().for_each(require_all);
    } else if let RefOr::T(Schema::AllOf(all)) = schema {
        all.items.iter_mut().for_each(require_all);
    }
}

fn refer_to_items(page: &mut RefOr<Schema>, item: &str) {
    if let RefOr::T(Schema::Object(object)) = page
        && let Some(RefOr::T(Schema::Array(items))) = object.properties.get_mut("items")
    {
        items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
    }
}

/// Such as `get_assets_id_samples`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |id, word| id + "_" + word)
}

#[cfg(test)]
mod tests {
    /// `TRAM_WRITE_OPENAPI=1 cargo test -p tram-collector --lib api::openapi` writes the file anew.
    #[test]
    fn the_committed_description_is_that_of_the_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let mut current = serde_json::to_string_pretty(&crate::api::description()).unwrap();
        current.push('\n');
        if std::env::var_os("TRAM_WRITE_OPENAPI").is_some() {
            std::fs::write(file, &current).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap();
        assert!(
            committed == current,
            "collector/openapi.json is out of date: run this test with TRAM_WRITE_OPENAPI=1"
        );
    }
}
