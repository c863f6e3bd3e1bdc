"""What a scene is drawn with: camera, painter, light, letters, and the ledger of clues."""
