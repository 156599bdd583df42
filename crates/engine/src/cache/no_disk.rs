//! Without the feature `disk` there is no second tier, and nothing to ask of it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use revisit_rules::http::{Policy, Stored};

use super::entry::Entry;

pub(super) type StoreError = Infallible;

pub(super) enum Disk {}

pub(super) enum Writing {}

pub(super) enum Purging {}

impl Disk {
    pub(super) fn is_worth_it(&self, _: &Bytes) -> bool {
        match *self {}
    }

    pub(super) fn may_have(&self, _: &Bytes) -> bool {
        match *self {}
    }

    pub(super) fn touch(&self, _: &Bytes) -> bool {
        match *self {}
    }

    pub(super) fn purging(&self) -> Purging {
        match *self {}
    }

    pub(super) async fn rehead(&self, _: &Entry) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) async fn recall(&self, _: &Bytes, _: &Policy) -> Vec<Arc<Entry>> {
        match *self {}
    }

    pub(super) fn begin(&self, _: &Bytes, _: &str) -> Option<Writing> {
        match *self {}
    }

    pub(super) async fn purge_tag(&self, _: &str) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) async fn purge_group(&self, _: &str, _: &str) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) async fn purge_url(&self, _: &Bytes, _: &str) -> Result<bool, StoreError> {
        match *self {}
    }

    pub(super) async fn purge_all(&self) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) async fn purge_prefix(&self, _: &str, _: &Policy) -> Result<(), StoreError> {
        match *self {}
    }
}

impl Disk {
    pub(super) fn size(&self) -> (u64, u64) {
        match *self {}
    }
}

impl Writing {
    pub(super) fn look_again(&mut self) {
        match *self {}
    }

    pub(super) async fn write(&self, _: &Entry, _: &Policy, _: usize) -> Result<(), StoreError> {
        match *self {}
    }

    pub(super) fn end_unless(self, _: impl FnOnce() -> bool) -> Option<Self> {
        match self {}
    }
}

pub(super) fn is_as_good(_: &Stored, _: &Stored) -> bool {
    true
}
