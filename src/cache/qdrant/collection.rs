//! The collection that answers and questions stand in: made where it is missing, checked where it is there.
//!
//! The alias is what everybody uses; behind it stands a collection with the version of what is in it in its name. A later
//! version makes another one and moves the alias.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::link::{Api, Refusal};
use crate::cache::CacheError;
use crate::cache::vectors::DIMENSIONS;

/// The name of a question's vector.
pub(super) const VECTOR: &str = "question";

/// How vectors are compared. The server brings them to length 1 itself, as the tier does.
const DISTANCE: &str = "Cosine";

/// The first version with conditional updates that never insert (`update_mode`).
const VERSION_MIN: (u64, u64) = (1, 17);

/// Fields that are searched by, and what they hold.
const INDEXED: [(&str, &str); 3] =
    [("partition", "keyword"), ("release", "keyword"), ("written_ms", "integer")];

#[derive(Deserialize)]
struct Info {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    vectors: serde_json::Value,
}

/// Makes sure that the alias leads to a collection that fits.
pub(super) async fn prepare(api: Api) -> Result<(), CacheError> {
    let version = api.version().await?;
    if number(&version) < VERSION_MIN {
        let (major, minor) = VERSION_MIN;
        return Err(CacheError::Unfit(format!("Qdrant {version}, but it needs {major}.{minor} or newer")));
    }
    let path = format!("/collections/{}", api.alias);
    let info: Info = match api.send(Method::GET, &path, None).await {
        Err(Refusal { status: Some(StatusCode::NOT_FOUND), .. }) => {
            make(&api).await?;
            api.send(Method::GET, &path, None).await?
        }
        info => info?,
    };
    let vector = &info.config.params.vectors[VECTOR];
    let fits = vector["size"] == DIMENSIONS && vector["distance"] == DISTANCE;
    let wrong = || {
        let vectors = &info.config.params.vectors;
        let alias = &api.alias;
        format!(
            "{alias:?} is a collection of other vectors ({vectors}): write another name behind the address"
        )
    };
    if fits { Ok(()) } else { Err(CacheError::Unfit(wrong())) }
}

/// Major and minor version; 0 where there is none.
fn number(version: &str) -> (u64, u64) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

async fn make(api: &Api) -> Result<(), Refusal> {
    let name = format!("{}-1", api.alias);
    let path = format!("/collections/{name}");
    // Searches are exact and of one partition: a graph over all vectors would be built for nothing.
    let collection = json!({
        "vectors": {VECTOR: {"size": DIMENSIONS, "distance": DISTANCE}},
        "hnsw_config": {"m": 0},
    });
    let made = api.send::<bool>(Method::PUT, &path, Some(&collection)).await;
    // Another replica may have been first.
    if let Err(refusal) = made
        && api.send::<Info>(Method::GET, &path, None).await.is_err()
    {
        return Err(refusal);
    }
    for (field, schema) in INDEXED {
        let index = json!({"field_name": field, "field_schema": schema});
        let path = format!("{path}/index?wait=true");
        let _: IgnoredAny = api.send(Method::PUT, &path, Some(&index)).await?;
    }
    let alias = json!({"create_alias": {"collection_name": name, "alias_name": api.alias}});
    api.send::<bool>(Method::POST, "/collections/aliases", Some(&json!({"actions": [alias]}))).await?;
    Ok(())
}
