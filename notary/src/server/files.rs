//! What lies in the published folder? The read side: any mirror that copies the folder does the same.
//!
//! Nothing here knows what the files say. Files with a version or a hash in their names never change once they can be found, so that
//! caches may keep them for ever; those few that change are asked for anew each time.

use std::{
    io,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

use super::answer::Problem;
use crate::tuf::limits::TARGET_BYTES_MAX;

/// Longest path of a file below its folder: a few short names.
const PATH_BYTES_MAX: usize = 300;

/// For files that never change.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For files that do.
const EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// The files that change; all others carry a version, a hash or an index in their names.
const CHANGING: &[&str] = &["timestamp.json", "checkpoint"];

/// A part of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `metadata/`
    Metadata,
    /// `targets/`
    Targets,
    /// `log/`
    Log,
}

impl Part {
    /// Its name in the folder and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Targets => "targets",
            Self::Log => "log",
        }
    }
}

/// The file of a path, below a part of the folder.
pub async fn serve(folder: &Path, part: Part, path: &str) -> Response {
    let Some(place) = place(folder, part, path) else {
        return Problem::no_such_file(path).into_response();
    };
    match read(place).await {
        Ok(bytes) => answer(path, bytes),
        Err(error) if is_absence(error.kind()) => Problem::no_such_file(path).into_response(),
        Err(error) => {
            tracing::error!(target: "ledger::notary", %error, path, "published file cannot be read");
            Problem::disk().into_response()
        }
    }
}

/// Whether an error says that no file can lie there: callers make such paths up, and no operator must act.
fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
    )
}

async fn read(place: PathBuf) -> io::Result<Vec<u8>> {
    let bytes = tokio::fs::read(&place).await?;
    if bytes.len() as u64 > TARGET_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "longer than any file of ours",
        ));
    }
    Ok(bytes)
}

fn answer(path: &str, bytes: Vec<u8>) -> Response {
    let kind = match path.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        _ if path == "checkpoint" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let cache = if CHANGING.contains(&path) { EACH_TIME } else { FOR_EVER };
    let mut response = (StatusCode::OK, Body::from(bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, cache);
    response
}

/// Where a path leads; nowhere unless it is made of names as the writer writes them, so that none leads out of the folder.
fn place(folder: &Path, part: Part, path: &str) -> Option<PathBuf> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_name = |name: &str| {
        let is_unfinished = name.ends_with(".new");
        !name.is_empty() && !name.starts_with('.') && !is_unfinished && name.bytes().all(is_plain)
    };
    if path.len() > PATH_BYTES_MAX || !path.split('/').all(is_name) {
        return None;
    }
    Some(folder.join(part.name()).join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let at = |path| place(Path::new("/published"), Part::Metadata, path);
        for path in ["1.root.json", "m.a.nodes.json", "tile/0/x001/234", "tile/0/067.p/8"] {
            assert_eq!(at(path), Some(Path::new("/published/metadata").join(path)));
        }
        for path in [
            "",
            "/",
            "..",
            "../x",
            "a/../../x",
            ".hidden",
            "a//b",
            "a/",
            "a\\b",
            "a\0",
            "é",
            "timestamp.json.new",
            &"a".repeat(301),
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }

    #[tokio::test]
    async fn files_that_change_are_asked_for_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("metadata/folder")).unwrap();
        for name in ["timestamp.json", "1.root.json"] {
            std::fs::write(folder.path().join("metadata").join(name), b"{}").unwrap();
        }
        for (name, status, cache) in [
            ("timestamp.json", 200, "no-cache"),
            ("1.root.json", 200, "public, max-age=31536000, immutable"),
            ("2.root.json", 404, "no-store"),
            ("folder", 404, "no-store"),
            ("timestamp.json/below", 404, "no-store"),
            (&"a".repeat(300), 404, "no-store"),
        ] {
            let response = serve(folder.path(), Part::Metadata, name).await;
            assert_eq!(response.status().as_u16(), status, "{name}");
            assert_eq!(response.headers()[CACHE_CONTROL], cache, "{name}");
        }
    }
}
