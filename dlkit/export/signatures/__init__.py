"""What an export offers: signatures, and how they are made."""
