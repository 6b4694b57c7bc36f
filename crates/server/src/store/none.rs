//! No store: this program was built without one.

use std::sync::Arc;
use std::time::Duration;

use throughline_core::server::{EventId, Subject};
use throughline_core::{Hello, Nonce};
use tokio::sync::watch;

use super::{
    BadAddress, Claim, Commit, Events, Found, Kept, Lives, NodeId, Publication, StoreError,
};

/// There is none of it.
#[derive(Debug)]
pub(crate) enum Store {}

/// There is none of it.
#[derive(Debug)]
pub(crate) enum Ears {}

impl Store {
    pub(crate) fn new(_: &str, _: String, _: NodeId, _: Lives) -> Result<Self, BadAddress> {
        Err(BadAddress)
    }

    pub(crate) const fn node(&self) -> &NodeId {
        match *self {}
    }

    pub(crate) fn runs(&self) -> watch::Receiver<Option<Arc<str>>> {
        match *self {}
    }

    pub(crate) async fn open(&self, _: &Hello, _: &Subject, _: Nonce) -> Result<Found, StoreError> {
        match *self {}
    }

    pub(crate) async fn claim(&self, _: Nonce, _: u32, _: Nonce) -> Result<Claim, StoreError> {
        match *self {}
    }

    pub(crate) async fn commit(
        &self,
        _: &[Commit],
        _: &[Publication],
    ) -> Result<Vec<Kept>, StoreError> {
        match *self {}
    }

    pub(crate) async fn events(
        &self,
        _: &str,
        _: Option<EventId>,
        _: u32,
    ) -> Result<Events, StoreError> {
        match *self {}
    }

    pub(crate) async fn name_link(&self, _: Nonce, _: Duration) -> Result<NodeId, StoreError> {
        match *self {}
    }

    pub(crate) async fn find_link(
        &self,
        _: Nonce,
        _: Option<Duration>,
    ) -> Result<Option<NodeId>, StoreError> {
        match *self {}
    }

    pub(crate) async fn tell(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        match *self {}
    }

    pub(crate) async fn listen(&self) -> Result<Ears, StoreError> {
        match *self {}
    }
}

impl Ears {
    pub(crate) async fn hear(&mut self) -> Option<String> {
        match *self {}
    }
}
