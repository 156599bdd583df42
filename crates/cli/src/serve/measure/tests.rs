use std::time::SystemTime;

use revisit_engine::Clock;
use revisit_gateway::folder::{Edit, Generated};
use revisit_gateway::{Folder, FolderOptions};
use revisit_rules::site::FileStamp;

use super::*;

struct Fixed(Arc<Layer>);

impl Overlay for Fixed {
    fn current(&self) -> Arc<Layer> {
        self.0.clone()
    }

    fn refresh(
        &self,
    ) -> std::pin::Pin<Box<dyn std::future::Future<Output = Arc<Layer>> + Send + '_>> {
        Box::pin(async { self.current() })
    }
}

struct Long;

impl Clock for Long {
    /// Long after any file of the test was written.
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 33)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A folder with `a.txt`, a page with a tag put in, a file that no build kept and one that is gone.
fn site(folder: &std::path::Path) -> Measured<Folder> {
    let mut layer = Layer::default();
    for (path, text, insert) in [
        ("a.txt", "alpha", ""),
        ("d e/index.html", "<p>page", "<tag>"),
        ("left-out.txt", "left out", ""),
        ("gone.txt", "gone", ""),
    ] {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        let known = Known {
            stamp: FileStamp::of(&std::fs::metadata(&file).unwrap()),
            sha256: (path != "left-out.txt").then_some([0; 32]),
            edits: vec![Edit {
                range: 0..0,
                insert: Bytes::from(insert),
            }],
            cache_control: None,
            content_type: None,
        };
        layer.files.insert(path.to_owned(), known);
    }
    std::fs::write(folder.join("beside.txt"), "beside").unwrap();
    std::fs::remove_file(folder.join("gone.txt")).unwrap();
    let manifest = Generated {
        body: Bytes::from("[]"),
        sha256: [0; 32],
        headers: Vec::new(),
        follows_folder: false,
    };
    let name = "revisit/manifest-B.json";
    layer.generated.insert(name.to_owned(), manifest);
    let overlay: Arc<dyn Overlay> = Arc::new(Fixed(Arc::new(layer)));
    let options = FolderOptions {
        base: "/shop/".to_owned(),
        ..FolderOptions::default()
    };
    let site = Folder::open(folder, options, overlay.clone(), Arc::new(Long)).unwrap();
    Measured::before(site, overlay, "/shop/")
}

/// Asks with this body; gives the status and, if all of it came, the answer's body.
fn asked(method: Method, content_type: &str, body: &str) -> (u16, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let request = http::Request::builder()
            .method(method)
            .uri("/shop/revisit/measure")
            .header(CONTENT_TYPE, content_type)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = site.fetch(request).await.unwrap();
        let status = response.status().as_u16();
        let said = response.headers().get(CONTENT_LENGTH).cloned();
        let whole = response.into_body().collect().await.ok();
        let whole = whole.map(|whole| String::from_utf8(whole.to_bytes().to_vec()).unwrap());
        if let (Some(said), Some(whole)) = (said, &whole) {
            assert_eq!(said, whole.len().to_string());
        }
        (status, whole)
    })
}

#[track_caller]
fn check(body: &str, expected: Result<&str, u16>) {
    let (status, whole) = asked(Method::POST, "application/json", body);
    match expected {
        Ok(text) => assert_eq!((status, whole.as_deref()), (200, Some(text)), "{body}"),
        Err(expected) => assert_eq!(status, expected, "{body}"),
    }
}

#[test]
fn the_answer_is_the_files_as_served_one_behind_the_other_in_the_order_asked() {
    check(
        r#"{"build": "B", "files": ["d e/index.html", "a.txt"]}"#,
        Ok("<tag><p>pagealpha"),
    );
    check(
        r#"{"build": "B", "files": ["a.txt", "d e/index.html"]}"#,
        Ok("alpha<tag><p>page"),
    );
    check(r#"{"build": "B", "files": []}"#, Ok(""));
}

#[test]
fn what_this_build_does_not_keep_cannot_be_had() {
    for file in [
        "left-out.txt",
        "beside.txt",
        "../beside.txt",
        "/a.txt",
        "d e/",
        "d e/../a.txt",
        "revisit/manifest-B.json",
        "",
    ] {
        let body = serde_json::json!({ "build": "B", "files": ["a.txt", file] });
        check(&body.to_string(), Err(404));
    }
    check(r#"{"build": "A", "files": ["a.txt"]}"#, Err(409));
    check(r#"{"build": "", "files": []}"#, Err(409));
}

#[test]
fn a_file_that_went_meanwhile_cuts_the_answer_off() {
    let body = r#"{"build": "B", "files": ["a.txt", "gone.txt"]}"#;
    let (status, whole) = asked(Method::POST, "application/json", body);
    assert_eq!((status, whole), (200, None));
}

#[test]
fn what_is_no_list_of_files_is_refused() {
    for body in [
        "",
        "{}",
        "[]",
        "\u{0}",
        r#"{"build": "B"}"#,
        r#"{"build": 1, "files": []}"#,
        r#"{"build": "B", "files": "a.txt"}"#,
        r#"{"build": "B", "files": [], "more": 1}"#,
    ] {
        check(body, Err(400));
    }
    let whole = r#"{"build": "B", "files": []}"#;
    assert_eq!(asked(Method::GET, "application/json", whole).0, 405);
    assert_eq!(asked(Method::POST, "text/plain", whole).0, 415);
}

#[test]
fn there_is_a_limit_on_names_on_files_and_on_bytes() {
    let files = |count: usize| {
        let files = vec!["a.txt"; count];
        serde_json::json!({ "build": "B", "files": files }).to_string()
    };
    check(&files(FILES_MAX), Ok(&"alpha".repeat(FILES_MAX)));
    check(&files(FILES_MAX + 1), Err(413));
    let spaces = " ".repeat(REQUEST_BYTES_MAX);
    check(&spaces[..], Err(400));
    check(&format!("{spaces} "), Err(413));

    assert_eq!(large([BYTES_MAX - 5, 5]), Ok(2));
    assert_eq!(large([BYTES_MAX - 5, 6]), Err(Refusal::TooLarge));
    assert_eq!(large([u64::MAX, 5]), Err(Refusal::TooLarge));
}

/// Asks for two files of these sizes; gives how many are sent.
fn large(sizes: [u64; 2]) -> Result<usize, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let overlay = site(folder.path()).overlay.current();
    let mut layer = Layer {
        generated: overlay.generated.clone(),
        ..Layer::default()
    };
    for (name, size) in ["x", "y"].iter().zip(sizes) {
        let mut known = overlay.files["a.txt"].clone();
        known.stamp.size = size;
        layer.files.insert((*name).to_owned(), known);
    }
    let wanted = Wanted {
        build: "B".into(),
        files: vec!["x".into(), "y".into()],
    };
    chosen(&layer, wanted).map(|files| files.len())
}
