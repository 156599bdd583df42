//! The model from outside: the cells of a real Chromium, flows, properties, pushes over real HTTP/2.

mod chromium_truth;
mod flows;
mod history;
mod layers;
mod properties;
mod push;
mod server;
mod stage;
