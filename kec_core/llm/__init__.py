"""Asking a language model: endpoint and request, prompts and answers, builder, proposals, captions, cost."""
