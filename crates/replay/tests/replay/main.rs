//! The model from outside: the cells of a real Chromium, flows, properties, application caches, pushes over real HTTP/2.

mod appcache;
mod chromium_truth;
mod flows;
mod history;
mod layers;
mod properties;
mod push;
mod server;
mod stage;
