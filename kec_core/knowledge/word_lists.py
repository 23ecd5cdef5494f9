"""Word lists behind the visual phrases; chosen by reading definitions, of no source but this file."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS_AND_PATTERNS = _words("""
amber auburn azure beige black black-and-white blond blue bluish bronze brown brownish buff chestnut coppery cream
creamy crimson dark ebony gold golden gray grayish green greenish grey greyish indigo ivory jet-black lavender lilac
magenta maroon mauve olive orange orange-red pale pink pinkish purple purplish red reddish reddish-brown rose-colored
rosy russet rusty sandy scarlet silver silvery snow-white tan tawny turquoise violet white whitish yellow yellowish
banded barred blotched brindled checkered colorful dappled freckled iridescent marbled mottled multicolored patterned
pied plaid ringed speckled spotted streaked striped variegated bright-colored brightly-colored
""")

SHAPES_AND_TEXTURES = _words("""
angular arched armored bare bearded bell-shaped bent billowing bony branched branching bright bristly broad bulbous
bulging bushy carved chunky circular clawed clustered coarse coiled compact conical covered creeping crescent crested
crinkled crooked cubical curled curly curved cylindrical dense dimpled dome-shaped domed downy drooping elongate
elongated enormous erect feathered filled feathery fiery fine finned flaring flat flattened fleshy floating floppy flowering
fluffy fluted foamy forked four-footed four-legged fringed frilly furry fuzzy glassy gleaming globular glossy gnarled
grooved hairless hairy hanging heavy hinged hollow hooded hooked horned huge icy inflated intertwined jagged jointed
knobbed knobby lacy lanceolate large latticed leafless leafy leathery linear lined lobed long low lustrous maned massive
metallic milky miniature muddy naked narrow needlelike oblong open oval ornamental ornate overhanging padded painted
palmate papery parallel pendulous petite plump pointed polished prickly projecting prominent prostrate pyramidal raised
rectangular ribbed rigid rocky rolling rough round rounded rugged saucer-shaped scaly serrated shaggy sharp shiny short
showy shrubby silken silky sleek slender slim small smooth snowy soft solid sparkling spherical spiked spindly spiny
spiral spreading square squat star-shaped steep stocky stout straight stringed stringy stubby sturdy surrounded tailless tall
tangled tapered tapering tasseled tentacled textured thatched thick thin thorny tiny toothed topped towering trailing
translucent transparent triangular trifoliate tubular tufted twining twisted upright upturned vast veined velvety
vertical vivid warty wavy waxy webbed weeping wheeled whiskered whorled wide winding winged wingless wiry wooded wooden
woolly worn wrinkled
""")

NOT_SEEN = _words("""
ability account act action activity adult age amount area attribute authority basis beginning behavior cause century
character circuit class collection component combination condition country course day degree device effect end equipment event example
existence experience extent fact family feature female field force form function genus group individual interest kind
law length life machine male manner mass matter means measure member method nature number object occasion operation
order part people period person piece place point position power practice process product property purpose quality
quantity range reason region relation result right season section sense series service set side situation size sort
source species state structure style substance system term thing time top type unit use utility value variety way
work world year young animal organism creature vertebrate mammal anything something someone vehicle instrument plant
game sport return time times second third south north east west good bad best better fall spring summer winter state
""")
"""Words too general to be seen; as nouns they would count by some other meaning."""

GRAMMAR = _words("""
a about above across after all also although among an and another any are around as at be because been before being
below between both but by can could do does each either enough etc even every few first for from had has have having
he her his how i if in inside into is it its itself last least less like many may me more most much must my near nearly
no nor not of off often on once one only onto or other others our own out outside over per same several she should
smaller larger longer shorter bigger higher lower similar so some such than that the their them then there these they
this those through together too toward towards under until up upon us usually various very was we well were what when
where which while who whose will with within without would you your typically sometimes mostly somewhat especially
""")

NUMBERS = _words("two three four five six seven eight nine ten")

HIDDEN_PARTS = _words(
    "circuit control device electrical engine fluid force gear mechanical mechanism pedal transmit valve"
)
"""Words in the definitions of parts that lie inside a machine."""

TISSUES_SEEN = _words("flesh gum skin tooth")
"""Body tissues in WordNet that a camera sees all the same."""
