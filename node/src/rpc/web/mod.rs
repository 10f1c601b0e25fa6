//! What does a browser get from the RPC port? The pages of `web/`, which the node carries in itself, or words where there is none.
//!
//! Every page is in the first one's fragments (`/#/verify`), so a path either names a file or nothing. The policy that goes with
//! every file lets a page load, run and ask nothing but what this port serves. Called by the pages of `http`; never reads a disk.

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use http_body_util::Full;
use jsonrpsee::server::{HttpBody, HttpResponse};
use sha2::{Digest, Sha256};

/// Name and content of every file that `build.rs` found.
const BUILT: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// What is served where nothing was built.
const UNBUILT: &[(&str, &[u8])] = &[
    (FIRST, include_bytes!("unbuilt.html")),
    ("/unbuilt.css", include_bytes!("unbuilt.css")),
];

/// The file that `/` means.
const FIRST: &str = "/index.html";

/// Files below are named after their content, so that they never change.
const NAMED_AFTER_CONTENT: &str = "/assets/";

/// What a browser lets the pages do: no code, style, picture or connection from elsewhere, none written into the page, no frame
/// around it. Wallets show their icons as `data:`. A WebSocket to the same port counts as `'self'`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Of the machine, the pages use its camera alone, to read QR codes.
const PERMISSIONS: &str = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()";

/// Bytes of a content's hash that name its version.
const ETAG_BYTES: usize = 16;

/// The files that this node carries.
static SITE: LazyLock<Site> = LazyLock::new(|| Site::of(if BUILT.is_empty() { UNBUILT } else { BUILT }));

/// The answer to a GET or HEAD of `path`.
pub(super) fn answer(path: &str, headers: &HeaderMap) -> HttpResponse {
    SITE.answer(path, headers)
}

/// Files by their paths.
#[derive(Debug)]
struct Site {
    files: BTreeMap<&'static str, File>,
}

/// One file, ready to be served.
#[derive(Debug)]
struct File {
    content_type: &'static str,
    content: &'static [u8],
    /// The same, compressed by whoever built it.
    compressed: Option<&'static [u8]>,
    etag: HeaderValue,
    changes: bool,
}

impl Site {
    fn of(files: &'static [(&'static str, &'static [u8])]) -> Self {
        let compressed = |path: &str| files.iter().find(|(name, _)| name.strip_suffix(".gz") == Some(path));
        let file = |(path, content): &(&'static str, &'static [u8])| {
            let file = File {
                content_type: content_type(path),
                content,
                compressed: compressed(path).map(|(_, content)| *content),
                etag: etag(content),
                changes: !path.starts_with(NAMED_AFTER_CONTENT),
            };
            (*path, file)
        };
        let shown = files.iter().filter(|(path, _)| !path.ends_with(".gz"));
        Self {
            files: shown.map(file).collect(),
        }
    }

    fn answer(&self, path: &str, headers: &HeaderMap) -> HttpResponse {
        let mut answer = match self.files.get(if path == "/" { FIRST } else { path }) {
            Some(file) => file.answer(headers),
            None => nothing_at(path, headers),
        };
        let safe: [(HeaderName, &'static str); 4] = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        ];
        let safe = safe.map(|(name, value)| (name, HeaderValue::from_static(value)));
        answer.headers_mut().extend(safe);
        answer
    }
}

impl File {
    fn answer(&self, headers: &HeaderMap) -> HttpResponse {
        let is_known = named(headers, &IF_NONE_MATCH).any(|tag| tag.trim_start_matches("W/") == self.etag);
        let compressed = self
            .compressed
            .filter(|_| named(headers, &ACCEPT_ENCODING).any(is_gzip));
        let content = match is_known {
            true => &[],
            false => compressed.unwrap_or(self.content),
        };
        let mut answer = HttpResponse::new(HttpBody::new(Full::new(Bytes::from_static(content))));
        let keep = match self.changes {
            true => "no-cache",
            false => "public, max-age=31536000, immutable",
        };
        let about = answer.headers_mut();
        about.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        about.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        about.insert(ETAG, self.etag.clone());
        about.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if is_known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        } else if compressed.is_some() {
            about.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }
}

/// What there is in words, as the caller reads them.
fn nothing_at(path: &str, headers: &HeaderMap) -> HttpResponse {
    let words =
        "The pages of this node begin at /, JSON-RPC is posted to /, and /health, /ready and /metrics watch it.";
    let is_browser = named(headers, &ACCEPT).any(|kind| kind.starts_with("text/html"));
    let (content_type, body) = match is_browser {
        // The path is not repeated: it is the caller's, and would have to be escaped.
        true => (
            HTML,
            format!(
                "<!doctype html><html lang=\"en\"><title>Nothing here</title><h1>There is nothing here</h1><p>{words}</p>\
                 <p><a href=\"/\">To the pages</a></p></html>"
            ),
        ),
        false => (
            TEXT,
            format!("there is nothing at {}. {words}\n", path.escape_default()),
        ),
    };
    let mut answer = HttpResponse::new(HttpBody::from(body));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The values of a header that holds a list.
fn named<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Whether an entry of `Accept-Encoding` takes gzip.
fn is_gzip(entry: &str) -> bool {
    let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
    coding.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
}

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => HTML,
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => TEXT,
        _ => "application/octet-stream",
    }
}

/// A version of a content, which changes with it.
fn etag(content: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(content);
    let tag = format!("\"{}\"", hex::encode(&hash[..ETAG_BYTES]));
    HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes are a header's value")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const BUILT_FILES: &[(&str, &[u8])] = &[
        ("/index.html", b"<p>first"),
        ("/assets/a-1.js", b"let a = 1;"),
        ("/assets/a-1.js.gz", b"gzipped"),
        ("/favicon.svg", b"<svg/>"),
    ];

    fn site() -> Site {
        Site::of(BUILT_FILES)
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        pairs.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    }

    fn header<'a>(answer: &'a HttpResponse, name: &HeaderName) -> &'a str {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(answer: HttpResponse) -> Vec<u8> {
        answer.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn the_first_page_is_asked_for_anew_and_files_named_after_their_content_are_kept() {
        let first = site().answer("/", &HeaderMap::new());
        assert_eq!((first.status(), header(&first, &CONTENT_TYPE)), (StatusCode::OK, HTML));
        assert_eq!(header(&first, &CACHE_CONTROL), "no-cache");
        assert_eq!(body(first).await, b"<p>first");
        let script = site().answer("/assets/a-1.js", &HeaderMap::new());
        assert!(header(&script, &CACHE_CONTROL).ends_with("immutable"));
        assert_eq!(header(&script, &CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(body(script).await, b"let a = 1;");
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_gets_no_second_copy() {
        let first = site().answer("/", &HeaderMap::new());
        let etag = header(&first, &ETAG).to_owned();
        for (tag, status) in [
            (etag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"other\", W/{etag}"), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
        ] {
            let answer = site().answer("/", &headers(&[(IF_NONE_MATCH, &tag)]));
            assert_eq!(answer.status(), status, "{tag}");
            assert_eq!(body(answer).await.is_empty(), status == StatusCode::NOT_MODIFIED);
        }
    }

    #[tokio::test]
    async fn the_compressed_copy_goes_to_those_who_take_it() {
        for (accepted, encoding, content) in [
            ("gzip, deflate, br", "gzip", &b"gzipped"[..]),
            ("br;q=1.0, gzip;q=0.5", "gzip", b"gzipped"),
            ("gzip;q=0", "", b"let a = 1;"),
            ("br", "", b"let a = 1;"),
        ] {
            let answer = site().answer("/assets/a-1.js", &headers(&[(ACCEPT_ENCODING, accepted)]));
            assert_eq!(header(&answer, &CONTENT_ENCODING), encoding, "{accepted}");
            assert_eq!(header(&answer, &VARY), "accept-encoding");
            assert_eq!(body(answer).await, content, "{accepted}");
        }
        let own = site().answer("/assets/a-1.js.gz", &HeaderMap::new());
        assert_eq!(
            own.status(),
            StatusCode::NOT_FOUND,
            "copies have no address of their own"
        );
    }

    #[tokio::test]
    async fn every_answer_forbids_what_the_pages_do_not_need() {
        for path in ["/", "/assets/a-1.js", "/nothing"] {
            let answer = site().answer(path, &HeaderMap::new());
            let policy = header(&answer, &CONTENT_SECURITY_POLICY);
            assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header(&answer, &X_CONTENT_TYPE_OPTIONS), "nosniff");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_in_words() {
        let answer = site().answer("/a<b>\n", &HeaderMap::new());
        assert_eq!(
            (answer.status(), header(&answer, &CONTENT_TYPE)),
            (StatusCode::NOT_FOUND, TEXT)
        );
        let words = String::from_utf8(body(answer).await).unwrap();
        assert!(
            words.contains("nothing at /a<b>\\n") && words.contains("posted to /"),
            "{words}"
        );
        let browser = site().answer(
            "/a<b>",
            &headers(&[(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")]),
        );
        assert_eq!(header(&browser, &CONTENT_TYPE), HTML);
        let words = String::from_utf8(body(browser).await).unwrap();
        assert!(words.contains("href=\"/\"") && !words.contains("<b>"), "{words}");
    }

    #[tokio::test]
    async fn a_node_without_pages_says_how_to_build_them() {
        let answer = Site::of(UNBUILT).answer("/", &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::OK);
        let words = String::from_utf8(body(answer).await).unwrap();
        assert!(words.contains("make build") && !words.contains("<style") && !words.contains("<script"));
    }
}
