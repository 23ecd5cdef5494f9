"""What somebody who knows the five open sets would write: the groups wanted, and two visible attributes of each.

By class folder: the name as the person would say it, then the attributes. Written once, before any measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EXPERT: Mapping[str, tuple[str, str, str]] = {
    # imagenette
    "English_springer": ("English springer", "long floppy ears", "brown and white coat"),
    "French_horn": ("French horn", "coiled brass tubing", "wide flared bell"),
    "cassette_player": ("cassette player", "row of buttons", "slot for a tape"),
    "chain_saw": ("chain saw", "long toothed blade", "orange motor housing"),
    "church": ("church", "tall steeple", "stained glass windows"),
    "garbage_truck": ("garbage truck", "large container body", "lifting arm for bins"),
    "gas_pump": ("gas pump", "hose with a nozzle", "price display"),
    "golf_ball": ("golf ball", "white dimpled surface", "lying on grass"),
    "parachute": ("parachute", "colourful canopy", "cords holding a person in the sky"),
    "tench": ("tench", "olive green scales", "fish held in the hands"),
    # tuxpaint-stamps
    "bird": ("bird", "feathers and wings", "beak"),
    "coin": ("coin", "round metal disc", "embossed portrait"),
    "fish": ("fish", "fins and tail", "shiny scales"),
    "flower": ("flower", "colourful petals", "green stem"),
    "fruit": ("fruit", "round juicy shape", "smooth skin with a stalk"),
    "insect": ("insect", "six thin legs", "antennae"),
    "mammal": ("mammal", "fur", "four legs"),
    "musical_instrument": ("musical instrument", "strings or keys", "polished wood or brass"),
    "road_sign": ("road sign", "flat coloured panel", "symbol or letters"),
    "tool": ("hand tool", "handle", "metal head"),
    "vegetable": ("vegetable", "green leaves", "edible root"),
    "vehicle": ("vehicle", "wheels", "windows and doors"),
    # cifar10
    "airplane": ("airplane", "long wings", "sky in the background"),
    "automobile": ("automobile", "four wheels", "windshield and headlights"),
    "cat": ("cat", "pointed ears and whiskers", "round face"),
    "deer": ("deer", "slender legs", "antlers"),
    "dog": ("dog", "long snout", "hanging tongue"),
    "frog": ("frog", "wet green skin", "bulging eyes"),
    "horse": ("horse", "mane and long tail", "long legs with hooves"),
    "ship": ("ship", "hull on the water", "masts or a deck"),
    "truck": ("truck", "large cargo box", "big wheels"),
    # caltech101-30
    "airplanes": ("airliner", "long wings with engines", "fuselage with windows"),
    "brain": ("brain", "folded grey surface", "two halves"),
    "brontosaurus": ("brontosaurus", "very long neck", "huge body with a long tail"),
    "camera": ("camera", "round lens", "black body with buttons"),
    "cellphone": ("cellphone", "small keypad", "small screen"),
    "chandelier": ("chandelier", "hanging lights", "crystal arms"),
    "cougar_face": ("cougar", "tawny face", "whiskers and small round ears"),
    "crab": ("crab", "two claws", "hard wide shell"),
    "crocodile_head": ("crocodile", "long jaws with teeth", "rough scaly skin"),
    "ferry": ("ferry", "several passenger decks", "large white boat on the water"),
    "flamingo": ("flamingo", "pink feathers", "long thin legs and a curved neck"),
    "hawksbill": ("hawksbill turtle", "patterned shell", "flippers"),
    "headphone": ("headphones", "two ear cups", "curved headband"),
    "hedgehog": ("hedgehog", "short spines", "pointed snout"),
    "helicopter": ("helicopter", "rotor blades", "tail boom"),
    "inline_skate": ("inline skate", "row of wheels", "high boot with buckles"),
    "kangaroo": ("kangaroo", "strong hind legs", "thick long tail"),
    "ketch": ("sailing boat", "tall masts with sails", "hull on the sea"),
    "llama": ("llama", "woolly coat", "long neck with upright ears"),
    "menorah": ("menorah", "branched candle holder", "row of candles"),
    "okapi": ("okapi", "striped legs", "dark brown body"),
    "revolver": ("revolver", "rotating cylinder", "barrel and grip"),
    "sea_horse": ("sea horse", "curled tail", "upright body with a long snout"),
    "stegosaurus": ("stegosaurus", "plates along the back", "spiked tail"),
    "stop_sign": ("stop sign", "red octagon", "white letters"),
    "trilobite": ("trilobite fossil", "segmented stone shell", "oval ridged body"),
    "watch": ("wristwatch", "dial with hands", "strap"),
    "wheelchair": ("wheelchair", "two large wheels", "seat with armrests"),
    "wrench": ("wrench", "open metal jaw", "long steel handle"),
    "yin_yang": ("yin and yang symbol", "black and white circle", "two curved halves"),
    # intel-scenes
    "buildings": ("buildings", "tall facades", "rows of windows"),
    "forest": ("forest", "many trees", "green leaves"),
    "glacier": ("glacier", "blue ice", "snow between rocks"),
    "mountain": ("mountain", "rocky peaks", "wide slopes under the sky"),
    "sea": ("sea", "water to the horizon", "waves and a beach"),
    "street": ("street", "road between houses", "cars and people walking"),
}  # fmt: skip


def expert_text(folder: str) -> tuple[str, tuple[str, ...]]:
    """Name and attributes of a class folder; a folder nobody wrote about has its name and no attributes."""
    if folder in EXPERT:
        name, *attributes = EXPERT[folder]
        return name, tuple(attributes)
    return " ".join(Path(folder).name.replace("_", " ").split()), ()
