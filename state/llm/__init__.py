"""What a person chooses about language models, sees before they are asked, and asks them."""
