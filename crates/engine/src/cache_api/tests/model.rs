//! Random operations against a model: the specification's lists, in the simplest form.
//!
//! The model shares no code with the rules. The store is in memory, or on a disk and opened anew
//! now and then.

use proptest::prelude::*;
use revisit_store::{Contract, Store};

use crate::{Fetch, FetchError};

use super::*;

/// URLs, each without its fragment, and its path alone.
const URLS: [(&str, &str, &str); 5] = [
    ("/a", "/a", "/a"),
    ("/a#top", "/a", "/a"),
    ("/a?x", "/a?x", "/a"),
    ("/ab", "/ab", "/ab"),
    // Nobody is there.
    ("/gone", "/gone", "/gone"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
struct Asked {
    get: bool,
    url: usize,
    /// The field `x`.
    x: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Answer {
    vary: bool,
    /// Bytes of the body, and what they are.
    body: (usize, u8),
}

#[derive(Debug, Clone)]
enum Step {
    Open(u8),
    Forget(u8),
    Put(usize, Asked, Answer),
    AddAll(usize, Vec<Asked>, bool),
    Delete(usize, Asked, QueryOptions),
    Look(usize, Asked, QueryOptions),
    Reopen,
}

/// A request response list.
#[derive(Clone)]
struct Listed {
    /// `None`: deleted, but held.
    name: Option<u8>,
    handle: Cache,
    pairs: Vec<(Asked, Answer)>,
}

impl Asked {
    fn request(self) -> Request {
        let headers = self.x.map(|x| format!("x: {x}")).unwrap_or_default();
        let url = format!("https://example.com{}", URLS[self.url].0);
        request(if self.get { "GET" } else { "HEAD" }, &url, &headers)
    }
}

impl Answer {
    fn text(self) -> String {
        char::from(b'a' + self.body.1 % 26)
            .to_string()
            .repeat(self.body.0)
    }

    fn response(self) -> Response {
        let vary = if self.vary { "Vary: x" } else { "" };
        response(200, vary, &self.text())
    }
}

fn answers(asked: Asked, (kept, answer): (Asked, Answer), options: QueryOptions) -> bool {
    let url = match options.ignore_search {
        true => URLS[asked.url].2 == URLS[kept.url].2,
        false => URLS[asked.url].1 == URLS[kept.url].1,
    };
    let method = asked.get || options.ignore_method;
    url && method && (!answer.vary || options.ignore_vary || asked.x == kept.x)
}

/// What `AddAll` brings: whether it varies is for the whole call.
struct Everywhere(bool);

impl Everywhere {
    fn answer(&self, url: usize) -> Answer {
        Answer {
            vary: self.0,
            body: (3, url as u8),
        }
    }
}

impl Fetch for Everywhere {
    async fn fetch(&self, request: crate::Request) -> Result<crate::Response, FetchError> {
        tokio::task::yield_now().await;
        let target = request.uri().to_string();
        let url = URLS.iter().position(|(_, url, _)| *url == target).unwrap();
        let mut response = self.answer(url).response().into_http()?;
        if target == "/gone" {
            *response.status_mut() = http::StatusCode::NOT_FOUND;
        }
        Ok(response)
    }
}

impl From<CacheError> for FetchError {
    fn from(error: CacheError) -> Self {
        Self::Internal {
            target: String::new(),
            source: error.into(),
        }
    }
}

/// `addAll` by the specification's batch: what the list becomes, if anything.
fn added(
    pairs: &[(Asked, Answer)],
    asked: &[Asked],
    site: &Everywhere,
) -> Result<Vec<(Asked, Answer)>, &'static str> {
    if asked
        .iter()
        .any(|asked| !asked.get || URLS[asked.url].0 == "/gone")
    {
        return Err("TypeError");
    }
    let plain = QueryOptions::default();
    let mut pairs = pairs.to_vec();
    let mut new: Vec<(Asked, Answer)> = Vec::new();
    for asked in asked {
        if new.iter().any(|pair| answers(*asked, *pair, plain)) {
            return Err("InvalidStateError");
        }
        pairs.retain(|pair| !answers(*asked, *pair, plain));
        let pair = (
            *asked,
            site.answer(
                URLS.iter()
                    .position(|url| url.1 == URLS[asked.url].1)
                    .unwrap(),
            ),
        );
        pairs.push(pair);
        new.push(pair);
    }
    Ok(pairs)
}

/// Plays the steps; `reopen` gives the store, as after a restart.
pub(super) async fn play(steps: Vec<Played>, mut reopen: impl AsyncFnMut(Option<Store>) -> Store) {
    let mut store = reopen(None).await;
    let mut storage = CacheStorage::new(store.clone(), BASE).unwrap();
    let mut lists: Vec<Listed> = Vec::new();
    for Played(step) in steps {
        let place =
            |place: usize, lists: &[Listed]| (!lists.is_empty()).then(|| place % lists.len());
        match step {
            Step::Open(name) => {
                let handle = storage.open(name.to_string()).await.unwrap();
                let there = lists.iter().find(|list| list.name == Some(name));
                match there {
                    Some(list) => assert_eq!(list.handle, handle),
                    None => lists.push(Listed {
                        name: Some(name),
                        handle,
                        pairs: Vec::new(),
                    }),
                }
            }
            Step::Forget(name) => {
                let deleted = storage.delete(name.to_string()).await.unwrap();
                let there = lists.iter_mut().find(|list| list.name == Some(name));
                assert_eq!(deleted, there.is_some());
                there.into_iter().for_each(|list| list.name = None);
            }
            Step::Put(list, asked, answer) => {
                let Some(list) = place(list, &lists) else {
                    continue;
                };
                let list = &mut lists[list];
                let put = list.handle.put(asked.request(), answer.response()).await;
                match asked.get {
                    false => assert_eq!(name_of(put), "TypeError"),
                    true => {
                        put.unwrap();
                        let plain = QueryOptions::default();
                        list.pairs.retain(|pair| !answers(asked, *pair, plain));
                        list.pairs.push((asked, answer));
                    }
                }
            }
            Step::AddAll(list, asked, vary) => {
                let Some(list) = place(list, &lists) else {
                    continue;
                };
                let (list, site) = (&mut lists[list], Everywhere(vary));
                let requests = asked.iter().map(|asked| asked.request());
                let got = list.handle.add_all(&site, requests).await;
                match added(&list.pairs, &asked, &site) {
                    Ok(pairs) => {
                        got.unwrap();
                        list.pairs = pairs;
                    }
                    Err(name) => assert_eq!(name_of(got), name),
                }
            }
            Step::Delete(list, asked, options) => {
                let Some(list) = place(list, &lists) else {
                    continue;
                };
                let list = &mut lists[list];
                let before = list.pairs.len();
                list.pairs.retain(|pair| !answers(asked, *pair, options));
                let deleted = list.handle.delete(asked.request(), options).await.unwrap();
                assert_eq!(deleted, list.pairs.len() < before);
            }
            Step::Look(list, asked, options) => {
                let Some(list) = place(list, &lists) else {
                    continue;
                };
                let list = &lists[list];
                let found = list
                    .pairs
                    .iter()
                    .filter(|pair| answers(asked, **pair, options));
                let want: Vec<_> = found.map(|(_, answer)| answer.text()).collect();
                let all = list
                    .handle
                    .match_all(asked.request(), options)
                    .await
                    .unwrap();
                assert_eq!(texts(all).await, want);
                let first = list.handle.match_(asked.request(), options).await.unwrap();
                let first = texts(first.into_iter().collect()).await;
                assert_eq!(first.first(), want.first());
                let keys = list.handle.keys_of(asked.request(), options).await.unwrap();
                assert_eq!(keys.len(), want.len());
            }
            Step::Reopen => {
                let names: Vec<u8> = lists.iter().filter_map(|list| list.name).collect();
                let kept: Vec<_> = lists
                    .drain(..)
                    .filter_map(|list| Some((list.name?, list.pairs)))
                    .collect();
                drop(storage);
                store = reopen(Some(store)).await;
                storage = CacheStorage::new(store.clone(), BASE).unwrap();
                for (name, pairs) in kept {
                    let handle = storage.open(name.to_string()).await.unwrap();
                    lists.push(Listed {
                        name: Some(name),
                        handle,
                        pairs,
                    });
                }
                assert_eq!(names.len(), lists.len());
            }
        }
        let names: Vec<_> = lists
            .iter()
            .filter_map(|list| list.name)
            .map(|name| name.to_string())
            .collect();
        let keys = storage.keys().await.unwrap();
        assert_eq!(
            keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
            names
        );
        for list in &lists {
            let want: Vec<_> = list
                .pairs
                .iter()
                .map(|(asked, _)| asked.request())
                .collect();
            assert_eq!(list.handle.keys().await.unwrap(), want);
            let all = list.handle.match_every().await.unwrap();
            let want: Vec<_> = list.pairs.iter().map(|(_, answer)| answer.text()).collect();
            assert_eq!(texts(all).await, want);
        }
    }
}

async fn texts(responses: Vec<Response>) -> Vec<String> {
    let mut texts = Vec::new();
    for response in responses {
        texts.push(text(response).await);
    }
    texts
}

/// A [`Step`], for other tests to hold.
#[derive(Debug, Clone)]
pub(super) struct Played(Step);

fn asked() -> impl Strategy<Value = Asked> {
    (
        prop::bool::weighted(0.9),
        0..URLS.len(),
        proptest::option::of(0..2u8),
    )
        .prop_map(|(get, url, x)| Asked { get, url, x })
}

fn options() -> impl Strategy<Value = QueryOptions> {
    any::<(bool, bool, bool)>().prop_map(|(ignore_search, ignore_method, ignore_vary)| {
        QueryOptions {
            ignore_search,
            ignore_method,
            ignore_vary,
        }
    })
}

/// Steps, with bodies of these sizes.
pub(super) fn steps(sizes: &'static [usize]) -> impl Strategy<Value = Vec<Played>> {
    let answer = (any::<bool>(), prop::sample::select(sizes), any::<u8>());
    let answer = answer.prop_map(|(vary, size, letter)| Answer {
        vary,
        body: (size, letter),
    });
    let list = 0..4usize;
    let step = prop_oneof![
        2 => (0..3u8).prop_map(Step::Open),
        1 => (0..3u8).prop_map(Step::Forget),
        6 => (list.clone(), asked(), answer).prop_map(|(list, asked, answer)| Step::Put(list, asked, answer)),
        2 => (list.clone(), prop::collection::vec(asked(), 0..4), any::<bool>())
            .prop_map(|(list, asked, vary)| Step::AddAll(list, asked, vary)),
        2 => (list.clone(), asked(), options()).prop_map(|(list, asked, options)| Step::Delete(list, asked, options)),
        4 => (list, asked(), options()).prop_map(|(list, asked, options)| Step::Look(list, asked, options)),
        1 => Just(Step::Reopen),
    ];
    let step = step.prop_map(Played);
    prop::collection::vec(step, 1..40).prop_map(|mut steps| {
        steps.insert(0, Played(Step::Open(0)));
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn in_memory_all_is_as_the_specification_says(steps in steps(&[0, 1, 5_000])) {
        run(play(steps, async |store| store.unwrap_or_else(|| Store::memory(Contract::Durable))));
    }
}
