"""Values and protocols every other package speaks: observations, actions, episodes, policies, worlds, batches."""
