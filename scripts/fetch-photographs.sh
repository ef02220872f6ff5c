#!/usr/bin/env bash
# Fetches photographs with free licences from Debian packages and writes them, downscaled, for training.
#
#   scripts/fetch-photographs.sh [--licences free|all] [OUT]
#
#   OUT         the output folder (default: data/photographs in this repository, which git ignores)
#   --licences  free (default): CC0, public domain and CC-BY only
#               all:            also CC-BY-SA, GPL, LGPL and BSD ones; these go to OUT/other
#
# It writes
#   OUT/free/train/*.png   OUT/free/val/*.png   OUT/other/train/*.png   OUT/LICENCES.tsv
# The pictures of val are held out whole: no part of them is in train.
#
# Every picture is a photograph (looked at one by one; drawings, renders and heavily blurred ones are left out). It is
# turned upright (EXIF orientation), cropped at the right and the bottom to a multiple of its factor, downscaled by that
# factor by exact area averaging (each output sample is the mean of factor x factor input samples, in floating point,
# rounded once) and saved as an 8-bit RGB PNG without metadata. The factors make the pictures' own compression and noise
# vanish; 4 is for the few that still show film grain at 3, 1 for pictures that are small and clean already.
#
# What is there already is skipped: a second run fetches nothing. Packages come from the Debian mirror this machine is set
# up with, in package trees of the script's own (its temporary folder), so that two Debian releases can be used side by side
# and the machine's own package lists stay as they are. Only vips (libvips-tools) is installed on the machine, when missing.
set -euo pipefail
export LC_ALL=C
export VIPS_WARNING=0 # it warns of harmless EXIF fields

die() { echo "fetch-photographs: error: $*" >&2; exit 1; }
log() { echo "fetch-photographs: $*" >&2; }
usage() { sed -n '2,/^set -euo/{/^#/!d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

# One picture per line: split, name, factor, Debian release, package, path in the package, licence, author.
# The release is written as apt names it. "_" in an author stands for a space. Licences as in the packages' copyright files
# (budgie-backgrounds, lomiri, mate, plasma, libjxl-testdata, endless-sky-data, endless-sky-high-dpi, krank, gnome-taquin, scribus-template,
# libsixel-examples, grub2-splashimages, puzzle-jigsaw, lxqt-themes, tuxpaint-data), in palapeli's .desktop files, in skimage/data/_fetchers.py, in sklearn/datasets/images/README.txt and in
# the readme.txt of the WordPress themes. Of endless-sky-data and endless-sky-high-dpi, only what their copyright files (of the latter also the one
# in its plugin's folder) call CC0, or public domain and from Unsplash before June 2017, NASA, the USGS or the Library of Congress, is used.
manifest() {
    local budgie=usr/share/backgrounds/budgie lomiri=usr/share/backgrounds mate=usr/share/backgrounds/mate/nature
    local plasma=usr/share/wallpapers palapeli=usr/share/palapeli/collection jxl=usr/share/libjxl-testdata
    local skimage=usr/lib/python3/dist-packages/skimage/data sklearn=usr/lib/python3/dist-packages/sklearn/datasets/images
    local wordpress=usr/share/wordpress/wp-content/themes endless=usr/share/games/endless-sky/images grub=usr/share/images/grub
    local hd=usr/share/games/endless-sky/plugins/endless-sky-high-dpi/images krank=usr/share/games/krank/levels/unera-backgrounds
    local jigsaw=usr/share/puzzle-jigsaw/samples lxqt=usr/share/lxqt/wallpapers tuxpaint=usr/share/tuxpaint/templates
    cat <<LIST
free/val budgie-lake-sherburne 3 trixie budgie-backgrounds $budgie/lake-sherburne.jpg CC0-1.0 Budgie_Desktop_Developers
free/val budgie-perched-osprey 3 trixie budgie-backgrounds $budgie/perched-osprey.jpg CC0-1.0 Budgie_Desktop_Developers
free/val budgie-singaporean-cityscape 3 trixie budgie-backgrounds $budgie/singaporean-cityscape.jpg CC0-1.0 Budgie_Desktop_Developers
free/val grub2-bonsai 1 trixie grub2-splashimages $grub/BonsaiTridentMaple.tga public-domain Peggy_Greb_(USDA)
free/val lomiri-picture-1a 2 bookworm lomiri-wallpapers-16.04 $lomiri/Picture_1A_by_freespace.jpg CC-BY-4.0 Trevor_"Freespace"
free/val skimage-astronaut 1 bookworm python3-skimage $skimage/astronaut.png public-domain NASA
free/val skimage-chelsea 1 bookworm python3-skimage $skimage/chelsea.png CC0-1.0 Stefan_van_der_Walt
free/val wordpress-tourist-and-building 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/tourist-and-building.webp CC0-1.0 rawpixel
free/train budgie-abstract-spiral 4 trixie budgie-backgrounds $budgie/abstract-spiral.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-beacon-street-sunset 4 trixie budgie-backgrounds $budgie/beacon-street-sunset.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-blue-periwinkle 3 trixie budgie-backgrounds $budgie/blue-periwinkle.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-canyon-wren 3 trixie budgie-backgrounds $budgie/canyon-wren.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-casa-mila 3 trixie budgie-backgrounds $budgie/casa-mila.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-extreme-desert-hike 3 trixie budgie-backgrounds $budgie/extreme-desert-hike.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-high-trestle-trail 3 trixie budgie-backgrounds $budgie/high-trestle-trail.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-oakland-zoo-otters 4 trixie budgie-backgrounds $budgie/oakland-zoo-otters.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-piazza-gae-aulenti 3 trixie budgie-backgrounds $budgie/piazza-gae-aulenti.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-roman-colosseum 3 trixie budgie-backgrounds $budgie/roman-colosseum.jpg CC0-1.0 Budgie_Desktop_Developers
free/train budgie-tea-gardens 4 trixie budgie-backgrounds $budgie/tea-gardens.jpg CC0-1.0 Budgie_Desktop_Developers
free/train lomiri-aitzgorri 3 bookworm lomiri-wallpapers-16.04 $lomiri/aitzgorri_by_Aitzol_Berasategi.jpg CC-BY-4.0 Aitzol_Berasategi
free/train lomiri-friends 3 bookworm lomiri-wallpapers-16.04 $lomiri/friends_by_Aitzol_Berasategi.jpg CC-BY-4.0 Aitzol_Berasategi
free/train lomiri-life 3 bookworm lomiri-wallpapers-16.04 $lomiri/life_by_Aitzol_Berasategi.jpg CC-BY-4.0 Aitzol_Berasategi
free/train lomiri-picosdeeuropa 3 bookworm lomiri-wallpapers-16.04 $lomiri/picosdeeuropa_by_Aitzol_Berasategi.jpg CC-BY-4.0 Aitzol_Berasategi
free/train lomiri-picture-0b 3 bookworm lomiri-wallpapers-16.04 $lomiri/Picture_0B_by_freespace.jpg CC-BY-4.0 Trevor_"Freespace"
free/train lomiri-seeding 3 bookworm lomiri-wallpapers-16.04 $lomiri/seeding_by_Clements_Engelhardt.jpg CC0-1.0 Clemens_Engelhardt
free/train lomiri-sunset 3 bookworm lomiri-wallpapers-16.04 $lomiri/sunset_by_Aitzol_Berasategi.jpg CC-BY-4.0 Aitzol_Berasategi
free/train lomiri-wine 3 bookworm lomiri-wallpapers-16.04 $lomiri/Wine_by_Jakkub_Mede.jpg CC-BY-4.0 Jakub_Mede
free/train palapeli-cincinnati-bridge 2 bookworm palapeli-data $palapeli/cincinnati-bridge.jpg public-domain Derek_Jensen
free/train palapeli-citrus-fruits 2 bookworm palapeli-data $palapeli/citrus-fruits.jpg public-domain US_Department_of_Agriculture
free/train palapeli-european-honey-bee 2 bookworm palapeli-data $palapeli/european-honey-bee.jpg public-domain John_Severns
free/train skimage-coffee 1 bookworm python3-skimage $skimage/coffee.png CC0-1.0 Rachel_Michetti
free/train skimage-hubble-deep-field 2 bookworm python3-skimage $skimage/hubble_deep_field.jpg public-domain NASA
free/train skimage-rocket 1 bookworm python3-skimage $skimage/rocket.jpg public-domain SpaceX
free/train wesaturate-keong-macan 1 bookworm libjxl-testdata $jxl/external/wesaturate/500px/cvo9xd_keong_macan_srgb8.png CC0-1.0 keong_macan
free/train wesaturate-riaphotographs 1 bookworm libjxl-testdata $jxl/external/wesaturate/500px/tmshre_riaphotographs_srgb8.png CC0-1.0 riaphotographs
free/train wesaturate-bliznaca 1 bookworm libjxl-testdata $jxl/external/wesaturate/500px/u76c0g_bliznaca_srgb8.png CC0-1.0 bliznaca
free/train endless-sky-badlands0 2 bookworm endless-sky-high-dpi $hd/land/badlands0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-badlands7 2 bookworm endless-sky-high-dpi $hd/land/badlands7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-badlands8 2 bookworm endless-sky-high-dpi $hd/land/badlands8@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach0 2 bookworm endless-sky-high-dpi $hd/land/beach0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach3 2 bookworm endless-sky-high-dpi $hd/land/beach3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach4 2 bookworm endless-sky-high-dpi $hd/land/beach4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach5 2 bookworm endless-sky-high-dpi $hd/land/beach5@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-canyon7 2 bookworm endless-sky-high-dpi $hd/land/canyon7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city10 2 bookworm endless-sky-high-dpi $hd/land/city10@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city11 2 bookworm endless-sky-high-dpi $hd/land/city11@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city6 2 bookworm endless-sky-high-dpi $hd/land/city6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city8 2 bookworm endless-sky-high-dpi $hd/land/city8@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city9 2 bookworm endless-sky-high-dpi $hd/land/city9@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-desert2 2 bookworm endless-sky-high-dpi $hd/land/desert2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fields1 2 bookworm endless-sky-high-dpi $hd/land/fields1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fields2 2 bookworm endless-sky-high-dpi $hd/land/fields2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fields5 2 bookworm endless-sky-high-dpi $hd/land/fields5@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fields6 2 bookworm endless-sky-high-dpi $hd/land/fields6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fog2 2 bookworm endless-sky-high-dpi $hd/land/fog2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fog4 2 bookworm endless-sky-high-dpi $hd/land/fog4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-forest1 2 bookworm endless-sky-high-dpi $hd/land/forest1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-forest3 2 bookworm endless-sky-high-dpi $hd/land/forest3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-forest5 2 bookworm endless-sky-high-dpi $hd/land/forest5@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-lava0 2 bookworm endless-sky-high-dpi $hd/land/lava0@2x.jpg public-domain USGS
free/train endless-sky-lava1 2 bookworm endless-sky-high-dpi $hd/land/lava1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-lava2 2 bookworm endless-sky-high-dpi $hd/land/lava2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain1 2 bookworm endless-sky-high-dpi $hd/land/mountain1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain3 2 bookworm endless-sky-high-dpi $hd/land/mountain3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain4 2 bookworm endless-sky-high-dpi $hd/land/mountain4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain6 2 bookworm endless-sky-high-dpi $hd/land/mountain6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain8 2 bookworm endless-sky-high-dpi $hd/land/mountain8@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-nasa0 2 bookworm endless-sky-high-dpi $hd/land/nasa0@2x.jpg public-domain NASA
free/train endless-sky-nasa1 2 bookworm endless-sky-high-dpi $hd/land/nasa1@2x.jpg public-domain NASA
free/train endless-sky-nasa3 2 bookworm endless-sky-high-dpi $hd/land/nasa3@2x.jpg public-domain NASA
free/train endless-sky-nasa4 2 bookworm endless-sky-high-dpi $hd/land/nasa4@2x.jpg public-domain NASA
free/train endless-sky-nasa7 2 bookworm endless-sky-high-dpi $hd/land/nasa7@2x.jpg public-domain NASA
free/train endless-sky-nasa8 2 bookworm endless-sky-high-dpi $hd/land/nasa8@2x.jpg public-domain NASA
free/train endless-sky-nasa9 2 bookworm endless-sky-high-dpi $hd/land/nasa9@2x.jpg public-domain NASA
free/train endless-sky-scene-loc0 2 bookworm endless-sky-data $endless/scene/loc0.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc2 2 bookworm endless-sky-data $endless/scene/loc2.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc3 2 bookworm endless-sky-data $endless/scene/loc3.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc6 2 bookworm endless-sky-data $endless/scene/loc6.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc7 2 bookworm endless-sky-high-dpi $hd/scene/loc7@2x.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc8 2 bookworm endless-sky-data $endless/scene/loc8.jpg public-domain Library_of_Congress
free/train endless-sky-scene-loc9 2 bookworm endless-sky-data $endless/scene/loc9.jpg public-domain Library_of_Congress
free/train endless-sky-sea3 2 bookworm endless-sky-high-dpi $hd/land/sea3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sea8 2 bookworm endless-sky-high-dpi $hd/land/sea8@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sky0 2 bookworm endless-sky-high-dpi $hd/land/sky0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sky2 2 bookworm endless-sky-high-dpi $hd/land/sky2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sky3 2 bookworm endless-sky-high-dpi $hd/land/sky3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sky8 2 bookworm endless-sky-high-dpi $hd/land/sky8@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-sky9 2 bookworm endless-sky-high-dpi $hd/land/sky9@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow1 2 bookworm endless-sky-high-dpi $hd/land/snow1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow10 2 bookworm endless-sky-high-dpi $hd/land/snow10@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow3 2 bookworm endless-sky-high-dpi $hd/land/snow3@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow4 2 bookworm endless-sky-high-dpi $hd/land/snow4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-space1 2 bookworm endless-sky-high-dpi $hd/land/space1@2x.jpg public-domain NASA
free/train endless-sky-space3 2 bookworm endless-sky-high-dpi $hd/land/space3@2x.jpg public-domain NASA
free/train endless-sky-space4 2 bookworm endless-sky-high-dpi $hd/land/space4@2x.jpg public-domain NASA
free/train endless-sky-space5 2 bookworm endless-sky-high-dpi $hd/land/space5@2x.jpg public-domain NASA
free/train endless-sky-space6 2 bookworm endless-sky-high-dpi $hd/land/space6@2x.jpg public-domain NASA
free/train endless-sky-station1 2 bookworm endless-sky-high-dpi $hd/land/station1@2x.jpg public-domain NASA
free/train endless-sky-station4 2 bookworm endless-sky-high-dpi $hd/land/station4@2x.jpg public-domain NASA
free/train endless-sky-water0 2 bookworm endless-sky-high-dpi $hd/land/water0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-water8 2 bookworm endless-sky-high-dpi $hd/land/water8@2x.jpg public-domain Unsplash_contributors
free/train grub2-apollo-17 1 trixie grub2-splashimages $grub/Apollo_17_The_Last_Moon_Shot_Edit1.tga public-domain NASA
free/train grub2-b-1b 1 trixie grub2-splashimages $grub/B-1B_over_the_pacific_ocean.tga public-domain Bennie_J._Davis_III_(USAF)
free/train grub2-hornet 1 trixie grub2-splashimages $grub/050817-N-3488C-028.tga public-domain Jonathan_Chandler_(US_Navy)
free/train grub2-moraine-lake 1 trixie grub2-splashimages $grub/Moraine_Lake_17092005.tga public-domain Gorgo
free/train grub2-windbuchen 1 trixie grub2-splashimages $grub/Windbuchencom.tga public-domain Richardfabi
free/train jigsaw-cat 3 trixie puzzle-jigsaw $jigsaw/cat-animal-cat-portrait-mackerel.jpg CC0-1.0 Pexels
free/train jigsaw-tiger 3 trixie puzzle-jigsaw $jigsaw/pexels-photo-302304.jpeg CC0-1.0 Pexels
free/train skimage-retina 3 bookworm python3-skimage $skimage/retina.jpg CC0-1.0 Mikael_Haggstrom
free/train sklearn-china 1 bookworm python3-sklearn $sklearn/china.jpg CC-BY-2.0 danielbuechele
free/train sklearn-flower 1 bookworm python3-sklearn $sklearn/flower.jpg CC-BY-2.0 vultilion
free/train wordpress-abstract-geometric-art 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/abstract-geometric-art.webp CC0-1.0 rawpixel
free/train wordpress-angular-roof 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/angular-roof.webp CC0-1.0 rawpixel
free/train wordpress-botany-flowers 3 trixie wordpress-theme-twentytwentyfive $wordpress/twentytwentyfive/assets/images/botany-flowers.webp CC0-1.0 rawpixel
free/train wordpress-building-exterior 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/building-exterior.webp CC0-1.0 rawpixel
free/train wordpress-cliff-palace 3 trixie wordpress-theme-twentytwentyfive $wordpress/twentytwentyfive/assets/images/poster-image-background.webp CC0-1.0 rawpixel
free/train wordpress-green-staircase 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/green-staircase.webp CC0-1.0 rawpixel
free/train wordpress-hotel-facade 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/hotel-facade.webp CC0-1.0 rawpixel
free/train wordpress-museum 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/museum.webp CC0-1.0 rawpixel
free/train wordpress-red-hibiscus 2 trixie wordpress-theme-twentytwentyfive $wordpress/twentytwentyfive/assets/images/red-hibiscus-closeup.webp CC0-1.0 rawpixel
free/train wordpress-wind-swept-tree 3 trixie wordpress-theme-twentytwentyfive $wordpress/twentytwentyfive/assets/images/404-image.webp CC0-1.0 rawpixel
free/train wordpress-windows 2 trixie wordpress-theme-twentytwentyfour $wordpress/twentytwentyfour/assets/images/windows.webp CC0-1.0 rawpixel
free/train endless-sky-badlands1-2x 2 sid endless-sky-high-dpi $hd/land/badlands1@2x.jpg public-domain Jason_Thompson
free/train endless-sky-badlands10-2x 2 sid endless-sky-high-dpi $hd/land/badlands10@2x.jpg CC0-1.0 Bernard_Spragg
free/train endless-sky-badlands13-2x 2 sid endless-sky-high-dpi $hd/land/badlands13@2x.jpg CC0-1.0 Jeff_Hollett
free/train endless-sky-badlands2-2x 2 sid endless-sky-high-dpi $hd/land/badlands2@2x.jpg CC0-1.0 Tim_de_Groot
free/train endless-sky-badlands5-2x 2 bookworm endless-sky-high-dpi $hd/land/badlands5@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach13-2x 2 sid endless-sky-high-dpi $hd/land/beach13@2x.jpg CC0-1.0 unknown
free/train endless-sky-beach14-2x 2 sid endless-sky-high-dpi $hd/land/beach14@2x.jpg CC0-1.0 JJ_Skys_the_Limit
free/train endless-sky-beach15-2x 2 sid endless-sky-high-dpi $hd/land/beach15@2x.jpg CC0-1.0 Mike_Wilson
free/train endless-sky-beach2-2x 2 bookworm endless-sky-high-dpi $hd/land/beach2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-beach6-2x 2 bookworm endless-sky-high-dpi $hd/land/beach6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-canyon0-2x 2 bookworm endless-sky-high-dpi $hd/land/canyon0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-canyon1-2x 2 sid endless-sky-high-dpi $hd/land/canyon1@2x.jpg public-domain Ana_Filipa_Neves
free/train endless-sky-canyon13-2x 2 sid endless-sky-high-dpi $hd/land/canyon13@2x.jpg CC0-1.0 Burst
free/train endless-sky-canyon14-2x 2 sid endless-sky-high-dpi $hd/land/canyon14@2x.jpg public-domain John_Towner
free/train endless-sky-canyon15-2x 2 sid endless-sky-high-dpi $hd/land/canyon15@2x.jpg public-domain Nathan_Anderson
free/train endless-sky-canyon8-2x 2 sid endless-sky-high-dpi $hd/land/canyon8@2x.jpg public-domain Benjaimn_Esteves
free/train endless-sky-canyon9-2x 2 sid endless-sky-high-dpi $hd/land/canyon9@2x.jpg public-domain Emily_Mell
free/train endless-sky-city19-2x 2 sid endless-sky-high-dpi $hd/land/city19@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-city2-2x 2 sid endless-sky-high-dpi $hd/land/city2@2x.jpg CC0-1.0 Bango_Architecture_&_Design
free/train endless-sky-city20-2x 2 sid endless-sky-high-dpi $hd/land/city20@2x.jpg CC0-1.0 Andrew_Guan
free/train endless-sky-city21-2x 2 sid endless-sky-high-dpi $hd/land/city21@2x.jpg CC0-1.0 Pedro_Lastra
free/train endless-sky-city23-2x 2 sid endless-sky-high-dpi $hd/land/city23@2x.jpg CC0-1.0 unknown
free/train endless-sky-city24-2x 2 sid endless-sky-high-dpi $hd/land/city24@2x.jpg CC0-1.0 Paolostefano1412
free/train endless-sky-city25-2x 2 sid endless-sky-high-dpi $hd/land/city25@2x.jpg CC0-1.0 Julia_Caesar
free/train endless-sky-city4-2x 2 bookworm endless-sky-high-dpi $hd/land/city4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-city7-2x 2 sid endless-sky-high-dpi $hd/land/city7@2x.jpg CC0-1.0 Sawyer_Bengston
free/train endless-sky-desert1-2x 2 bookworm endless-sky-high-dpi $hd/land/desert1@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-desert11-2x 2 sid endless-sky-high-dpi $hd/land/desert11@2x.jpg public-domain Robert_Murray
free/train endless-sky-desert12-2x 2 sid endless-sky-high-dpi $hd/land/desert12@2x.jpg public-domain Joe_Mania
free/train endless-sky-desert13-2x 2 sid endless-sky-high-dpi $hd/land/desert13@2x.jpg CC0-1.0 Pete_Johnson
free/train endless-sky-desert14-2x 2 sid endless-sky-high-dpi $hd/land/desert14@2x.jpg CC0-1.0 unknown
free/train endless-sky-dune1-2x 2 sid endless-sky-high-dpi $hd/land/dune1@2x.jpg public-domain Wilson_Ye
free/train endless-sky-fields13-2x 2 sid endless-sky-high-dpi $hd/land/fields13@2x.jpg public-domain Jeff_King
free/train endless-sky-fields14-2x 2 sid endless-sky-high-dpi $hd/land/fields14@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-fields15-2x 2 sid endless-sky-high-dpi $hd/land/fields15@2x.jpg public-domain Ales_Krivec
free/train endless-sky-fields3-2x 2 sid endless-sky-high-dpi $hd/land/fields3@2x.jpg public-domain Doan_Tuan
free/train endless-sky-fields7-2x 2 bookworm endless-sky-high-dpi $hd/land/fields7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fields9-2x 2 bookworm endless-sky-high-dpi $hd/land/fields9@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fog0-2x 2 bookworm endless-sky-high-dpi $hd/land/fog0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-fog1-2x 2 sid endless-sky-high-dpi $hd/land/fog1@2x.jpg CC0-1.0 Bob_Richards
free/train endless-sky-fog10-2x 2 sid endless-sky-high-dpi $hd/land/fog10@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-fog11-2x 2 sid endless-sky-high-dpi $hd/land/fog11@2x.jpg public-domain Jay_Mantri
free/train endless-sky-fog6-2x 2 sid endless-sky-high-dpi $hd/land/fog6@2x.jpg public-domain Michael_Dam
free/train endless-sky-fog8-2x 2 sid endless-sky-high-dpi $hd/land/fog8@2x.jpg public-domain Dawid_Zawila
free/train endless-sky-fog9-2x 2 sid endless-sky-high-dpi $hd/land/fog9@2x.jpg CC0-1.0 Matt_Bango
free/train endless-sky-forest10-2x 2 sid endless-sky-high-dpi $hd/land/forest10@2x.jpg public-domain Sarah_Humer
free/train endless-sky-forest2-2x 2 bookworm endless-sky-high-dpi $hd/land/forest2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-forest4-2x 2 bookworm endless-sky-high-dpi $hd/land/forest4@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-forest6-2x 2 sid endless-sky-high-dpi $hd/land/forest6@2x.jpg public-domain Inggrid_Koe
free/train endless-sky-forest7-2x 2 sid endless-sky-high-dpi $hd/land/forest7@2x.jpg public-domain Eutah_Mizushima
free/train endless-sky-forest8-2x 2 sid endless-sky-high-dpi $hd/land/forest8@2x.jpg public-domain Gez_Xavier_Mansfield
free/train endless-sky-forest9-2x 2 sid endless-sky-high-dpi $hd/land/forest9@2x.jpg CC0-1.0 JJ_Skys_the_Limit
free/train endless-sky-garden1-2x 2 sid endless-sky-high-dpi $hd/land/garden1@2x.jpg CC0-1.0 Bonnie_Moreland
free/train endless-sky-hills0-2x 2 sid endless-sky-high-dpi $hd/land/hills0@2x.jpg CC0-1.0 Levi_Bare
free/train endless-sky-hills2-2x 2 bookworm endless-sky-high-dpi $hd/land/hills2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-hills8-2x 2 sid endless-sky-high-dpi $hd/land/hills8@2x.jpg public-domain Joshua_Sortino
free/train endless-sky-lava11-2x 2 sid endless-sky-high-dpi $hd/land/lava11@2x.jpg public-domain National_Archives_and_Records_Administration
free/train endless-sky-lava12-2x 2 sid endless-sky-high-dpi $hd/land/lava12@2x.jpg CC0-1.0 Ashley_Knedler
free/train endless-sky-lava13-2x 2 sid endless-sky-high-dpi $hd/land/lava13@2x.jpg CC0-1.0 Matt_Bango
free/train endless-sky-lava6-2x 2 bookworm endless-sky-high-dpi $hd/land/lava6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain0-2x 2 sid endless-sky-high-dpi $hd/land/mountain0@2x.jpg public-domain Karsten_Wurth
free/train endless-sky-mountain27-2x 2 sid endless-sky-high-dpi $hd/land/mountain27@2x.jpg CC0-1.0 Matt_Bango
free/train endless-sky-mountain28-2x 2 sid endless-sky-high-dpi $hd/land/mountain28@2x.jpg CC0-1.0 Matt_Bango
free/train endless-sky-mountain5-2x 2 bookworm endless-sky-high-dpi $hd/land/mountain5@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain7-2x 2 bookworm endless-sky-high-dpi $hd/land/mountain7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-mountain9-2x 2 bookworm endless-sky-high-dpi $hd/land/mountain9@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-nasa2-2x 2 bookworm endless-sky-high-dpi $hd/land/nasa2@2x.jpg public-domain NASA
free/train endless-sky-nasa5-2x 2 bookworm endless-sky-high-dpi $hd/land/nasa5@2x.jpg public-domain NASA
free/train endless-sky-nasa6-2x 2 bookworm endless-sky-high-dpi $hd/land/nasa6@2x.jpg public-domain NASA
free/train endless-sky-scene-sunset-2x 2 sid endless-sky-high-dpi $hd/scene/sunset@2x.jpg CC0-1.0 JJ_Skys_the_Limit
free/train endless-sky-scene-train-2x 2 sid endless-sky-high-dpi $hd/scene/train@2x.jpg CC0-1.0 Max_Bender
free/train endless-sky-sea1-2x 2 sid endless-sky-high-dpi $hd/land/sea1@2x.jpg public-domain Christian_Joudrey
free/train endless-sky-sea18-2x 2 sid endless-sky-high-dpi $hd/land/sea18@2x.jpg CC0-1.0 Bonnie_Moreland
free/train endless-sky-sea19-2x 2 sid endless-sky-high-dpi $hd/land/sea19@2x.jpg CC0-1.0 Joe_deSousa
free/train endless-sky-sea22-2x 2 sid endless-sky-high-dpi $hd/land/sea22@2x.jpg CC0-1.0 Sergei_Gussev
free/train endless-sky-sea23-2x 2 sid endless-sky-high-dpi $hd/land/sea23@2x.jpg public-domain Dan_Stark
free/train endless-sky-sea7-2x 2 sid endless-sky-high-dpi $hd/land/sea7@2x.jpg public-domain Johannes_Plenio
free/train endless-sky-sky10-2x 2 sid endless-sky-high-dpi $hd/land/sky10@2x.jpg CC0-1.0 Sergey_Pesterev
free/train endless-sky-sky4-2x 2 sid endless-sky-high-dpi $hd/land/sky4@2x.jpg CC0-1.0 Elliot_Chau
free/train endless-sky-sky5-2x 2 sid endless-sky-high-dpi $hd/land/sky5@2x.jpg public-domain Nathan_Hulsey
free/train endless-sky-sky7-2x 2 bookworm endless-sky-high-dpi $hd/land/sky7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow0-2x 2 bookworm endless-sky-high-dpi $hd/land/snow0@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow14-2x 2 sid endless-sky-high-dpi $hd/land/snow14@2x.jpg CC0-1.0 Travel_Photographer
free/train endless-sky-snow15-2x 2 sid endless-sky-high-dpi $hd/land/snow15@2x.jpg public-domain US_NOAA
free/train endless-sky-snow16-2x 2 sid endless-sky-high-dpi $hd/land/snow16@2x.jpg public-domain Alberto_Restifo
free/train endless-sky-snow17-2x 2 sid endless-sky-high-dpi $hd/land/snow17@2x.jpg CC0-1.0 Bonnie_Moreland
free/train endless-sky-snow18-2x 2 sid endless-sky-high-dpi $hd/land/snow18@2x.jpg public-domain Jeremy_Bishop
free/train endless-sky-snow19-2x 2 sid endless-sky-high-dpi $hd/land/snow19@2x.jpg CC0-1.0 Denis_Linine
free/train endless-sky-snow2-2x 2 bookworm endless-sky-high-dpi $hd/land/snow2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow21-2x 2 sid endless-sky-high-dpi $hd/land/snow21@2x.jpg CC0-1.0 Gabriel_Santiago
free/train endless-sky-snow22-2x 2 sid endless-sky-high-dpi $hd/land/snow22@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-snow23-2x 2 sid endless-sky-high-dpi $hd/land/snow23@2x.jpg CC0-1.0 Chris_Marquardt
free/train endless-sky-snow5-2x 2 sid endless-sky-high-dpi $hd/land/snow5@2x.jpg public-domain Jay_Ruzesky
free/train endless-sky-snow6-2x 2 bookworm endless-sky-high-dpi $hd/land/snow6@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-snow7-2x 2 bookworm endless-sky-high-dpi $hd/land/snow7@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-space2-2x 2 bookworm endless-sky-high-dpi $hd/land/space2@2x.jpg public-domain Unsplash_contributors
free/train endless-sky-station11-2x 2 sid endless-sky-high-dpi $hd/land/station11@2x.jpg CC0-1.0 Burst
free/train endless-sky-station12-2x 2 sid endless-sky-high-dpi $hd/land/station12@2x.jpg public-domain Office_of_War_Information
free/train endless-sky-station13-2x 2 sid endless-sky-high-dpi $hd/land/station13@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station14-2x 2 sid endless-sky-high-dpi $hd/land/station14@2x.jpg public-domain Ferdinand_Stohr
free/train endless-sky-station15-2x 2 sid endless-sky-high-dpi $hd/land/station15@2x.jpg CC0-1.0 unknown
free/train endless-sky-station16-2x 2 sid endless-sky-high-dpi $hd/land/station16@2x.jpg CC0-1.0 unknown
free/train endless-sky-station17-2x 2 sid endless-sky-high-dpi $hd/land/station17@2x.jpg CC0-1.0 Bob_Richards
free/train endless-sky-station21-2x 2 sid endless-sky-high-dpi $hd/land/station21@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station23-2x 2 sid endless-sky-high-dpi $hd/land/station23@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station24-2x 2 sid endless-sky-high-dpi $hd/land/station24@2x.jpg public-domain Tomasz_Frankowski
free/train endless-sky-station25-2x 2 sid endless-sky-high-dpi $hd/land/station25@2x.jpg public-domain Claudia_Soraya
free/train endless-sky-station26-2x 2 sid endless-sky-high-dpi $hd/land/station26@2x.jpg CC0-1.0 Brandon_Mowinkel
free/train endless-sky-station29-2x 2 sid endless-sky-high-dpi $hd/land/station29@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station3-2x 2 bookworm endless-sky-high-dpi $hd/land/station3@2x.jpg public-domain NASA
free/train endless-sky-station30-2x 2 sid endless-sky-high-dpi $hd/land/station30@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station31-2x 2 sid endless-sky-high-dpi $hd/land/station31@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station32-2x 2 sid endless-sky-high-dpi $hd/land/station32@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station33-2x 2 sid endless-sky-high-dpi $hd/land/station33@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station34-2x 2 sid endless-sky-high-dpi $hd/land/station34@2x.jpg public-domain Monty_Lov
free/train endless-sky-station35-2x 2 sid endless-sky-high-dpi $hd/land/station35@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station36-2x 2 sid endless-sky-high-dpi $hd/land/station36@2x.jpg CC0-1.0 Flickr
free/train endless-sky-station38-2x 2 sid endless-sky-high-dpi $hd/land/station38@2x.jpg CC0-1.0 Txllxt_TxllxT
free/train endless-sky-station40-2x 2 sid endless-sky-high-dpi $hd/land/station40@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station41-2x 2 sid endless-sky-high-dpi $hd/land/station41@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station43-2x 2 sid endless-sky-high-dpi $hd/land/station43@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station45-2x 2 sid endless-sky-high-dpi $hd/land/station45@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station46-2x 2 sid endless-sky-high-dpi $hd/land/station46@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station47-2x 2 sid endless-sky-high-dpi $hd/land/station47@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station49-2x 2 sid endless-sky-high-dpi $hd/land/station49@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-station50-2x 2 sid endless-sky-high-dpi $hd/land/station50@2x.jpg CC0-1.0 unknown
free/train endless-sky-station60-2x 2 sid endless-sky-high-dpi $hd/land/station60@2x.jpg CC0-1.0 Adrien_Olichon
free/train endless-sky-station7-2x 2 sid endless-sky-high-dpi $hd/land/station7@2x.jpg CC0-1.0 unknown
free/train endless-sky-station8-2x 2 sid endless-sky-high-dpi $hd/land/station8@2x.jpg CC0-1.0 Pixabay
free/train endless-sky-water12-2x 2 sid endless-sky-high-dpi $hd/land/water12@2x.jpg CC0-1.0 Tricia_Gray
free/train endless-sky-water13-2x 2 sid endless-sky-high-dpi $hd/land/water13@2x.jpg public-domain JuniperPhoton
free/train endless-sky-water3-2x 2 sid endless-sky-high-dpi $hd/land/water3@2x.jpg public-domain Jacek_Smoter
free/train endless-sky-water4-2x 2 sid endless-sky-high-dpi $hd/land/water4@2x.jpg CC0-1.0 Bonnie_Moreland
free/train gnome-taquin-tortoiseshell 4 bookworm gnome-taquin usr/share/gnome-taquin/themes/cats/1-Tortoiseshell.jpg public-domain Toyah
free/train krank-bonus-01 4 bookworm krank $krank/bonus-01.jpg public-domain Slava_Anishenko
free/train krank-level-01 3 bookworm krank $krank/level-01.jpg public-domain Slava_Anishenko
free/train krank-level-02 3 bookworm krank $krank/level-02.jpg public-domain Slava_Anishenko
free/train krank-level-03 3 bookworm krank $krank/level-03.jpg public-domain Slava_Anishenko
free/train krank-level-04 3 bookworm krank $krank/level-04.jpg public-domain Slava_Anishenko
free/train krank-level-05 3 bookworm krank $krank/level-05.jpg public-domain Slava_Anishenko
free/train krank-level-06 3 bookworm krank $krank/level-06.jpg public-domain Slava_Anishenko
free/train krank-level-07 3 bookworm krank $krank/level-07.jpg public-domain Slava_Anishenko
free/train krank-level-08 3 bookworm krank $krank/level-08.jpg public-domain Slava_Anishenko
free/train krank-level-09 4 bookworm krank $krank/level-09.jpg public-domain Slava_Anishenko
free/train krank-level-10 3 bookworm krank $krank/level-10.jpg public-domain Slava_Anishenko
free/train krank-level-11 3 bookworm krank $krank/level-11.jpg public-domain Slava_Anishenko
free/train krank-level-12 3 bookworm krank $krank/level-12.jpg public-domain Slava_Anishenko
free/train krank-level-13 4 bookworm krank $krank/level-13.jpg public-domain Slava_Anishenko
free/train krank-level-14 3 bookworm krank $krank/level-14.jpg public-domain Slava_Anishenko
free/train krank-level-15 3 bookworm krank $krank/level-15.jpg public-domain Slava_Anishenko
free/train krank-level-16 3 bookworm krank $krank/level-16.jpg public-domain Slava_Anishenko
free/train krank-level-17 3 bookworm krank $krank/level-17.jpg public-domain Slava_Anishenko
free/train krank-level-18 3 bookworm krank $krank/level-18.jpg public-domain Slava_Anishenko
free/train krank-level-19 3 bookworm krank $krank/level-19.jpg public-domain Slava_Anishenko
free/train krank-level-20 3 bookworm krank $krank/level-20.jpg public-domain Slava_Anishenko
free/train krank-level-21 3 bookworm krank $krank/level-21.jpg public-domain Slava_Anishenko
free/train krank-level-22 3 bookworm krank $krank/level-22.jpg public-domain Slava_Anishenko
free/train krank-level-23 3 bookworm krank $krank/level-23.jpg public-domain Slava_Anishenko
free/train krank-level-24 3 bookworm krank $krank/level-24.jpg public-domain Slava_Anishenko
free/train krank-level-25 3 bookworm krank $krank/level-25.jpg public-domain Slava_Anishenko
free/train krank-level-26 3 bookworm krank $krank/level-26.jpg public-domain Slava_Anishenko
free/train krank-level-27 3 bookworm krank $krank/level-27.jpg public-domain Slava_Anishenko
free/train krank-level-28 3 bookworm krank $krank/level-28.jpg public-domain Slava_Anishenko
free/train krank-level-29 4 bookworm krank $krank/level-29.jpg public-domain Slava_Anishenko
free/train krank-level-30 4 bookworm krank $krank/level-30.jpg public-domain Slava_Anishenko
free/train krank-menu-levels 4 bookworm krank $krank/menu-levels.jpg public-domain Slava_Anishenko
free/train krank-menu-play 4 bookworm krank $krank/menu-play.jpg public-domain Slava_Anishenko
free/train krank-menu-scores2 3 bookworm krank $krank/menu-scores2.jpg public-domain Slava_Anishenko
free/train krank-menu-scores3 3 bookworm krank $krank/menu-scores3.jpg public-domain Slava_Anishenko
free/train krank-menu-screen 3 bookworm krank $krank/menu-screen.jpg public-domain Slava_Anishenko
free/train libsixel-snake 2 bookworm libsixel-examples usr/share/doc/libsixel-examples/examples/images/snake.jpg public-domain Jon_Sullivan
free/train scribus-nature 2 bookworm scribus-template usr/share/scribus/templates/br2/nature.jpg public-domain Riku_Leino
free/train scribus-sunset 2 bookworm scribus-template usr/share/scribus/templates/br2/sunset.jpg public-domain Riku_Leino
other/train libjxl-flower 2 bookworm libjxl-testdata $jxl/jxl/flower/flower.png BSD-3-Clause JPEG_XL_Project_Authors
other/train lomiri-bridge 3 bookworm lomiri-wallpapers-16.04 $lomiri/Bridge_by_Sander_Klootwijk.jpg CC-BY-SA-4.0 Sander_Klootwijk
other/train lomiri-dragonfly 3 bookworm lomiri-wallpapers-16.04 $lomiri/Dragonfly_by_Bolly.jpg CC-BY-SA-4.0 "Bolly"
other/train lomiri-free 3 bookworm lomiri-wallpapers-16.04 $lomiri/free_by_Peter_Nerlich.jpg CC-BY-SA-4.0 Peter_Nerlich
other/train lomiri-greentock 3 bookworm lomiri-wallpapers-16.04 $lomiri/greentock_by_Peter_Nerlich.jpg CC-BY-SA-4.0 Peter_Nerlich
other/train lxqt-after-the-rain 3 trixie lxqt-themes $lxqt/after-the-rain.jpg LGPL-2.1+ LXQt_team
other/train lxqt-butterfly 4 trixie lxqt-themes $lxqt/butterfly.png LGPL-2.1+ LXQt_team
other/train lxqt-flowers 3 trixie lxqt-themes $lxqt/flowers.png LGPL-2.1+ LXQt_team
other/train mate-blinds 2 bookworm mate-backgrounds $mate/Blinds.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-dune 2 bookworm mate-backgrounds $mate/Dune.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-garden 3 bookworm mate-backgrounds $mate/Garden.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-green-meadow 2 bookworm mate-backgrounds $mate/GreenMeadow.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-lady-bird 3 bookworm mate-backgrounds $mate/LadyBird.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-rain-drops 2 bookworm mate-backgrounds $mate/RainDrops.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-two-wings 3 bookworm mate-backgrounds $mate/TwoWings.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-wood 3 bookworm mate-backgrounds $mate/Wood.jpg GPL-2+ MATE_Backgrounds_authors
other/train mate-yellow-flower 3 bookworm mate-backgrounds $mate/YellowFlower.jpg GPL-2+ MATE_Backgrounds_authors
other/train plasma-cold-ripple 3 bookworm plasma-workspace-wallpapers $plasma/ColdRipple/contents/images/2560x1600.jpg GPL-2+ Risto_Saukonpaa
other/train plasma-colorful-cups 3 bookworm plasma-workspace-wallpapers $plasma/ColorfulCups/contents/images/2560x1600.jpg GPL-2+ Dmitri_Popov
other/train plasma-evening-glow 3 bookworm plasma-workspace-wallpapers $plasma/EveningGlow/contents/images/2560x1600.jpg GPL-2+ Ian_Hex
other/train plasma-fallen-leaf 3 bookworm plasma-workspace-wallpapers $plasma/FallenLeaf/contents/images/2560x1600.jpg GPL-2+ Martin_Klapetek
other/train plasma-grey 3 bookworm plasma-workspace-wallpapers $plasma/Grey/contents/images/2560x1600.jpg GPL-2+ Sigi_Sagi
other/train plasma-kite 3 bookworm plasma-workspace-wallpapers $plasma/Kite/contents/images/2560x1600.jpg GPL-2+ Risto_Saukonpaa
other/train plasma-one-stands-out 3 bookworm plasma-workspace-wallpapers $plasma/OneStandsOut/contents/images/2560x1600.jpg GPL-2+ Risto_Saukonpaa
other/train plasma-path 3 bookworm plasma-workspace-wallpapers $plasma/Path/contents/images/2560x1600.jpg GPL-2+ Risto_Saukonpaa
other/train plasma-summer-1am 3 bookworm plasma-workspace-wallpapers $plasma/summer_1am/contents/images/2560x1600.jpg GPL-2+ Risto_Saukonpaa
other/train tuxpaint-burnt-bark 2 trixie tuxpaint-data $tuxpaint/burnt_bark.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-clouds-from-airplane 2 trixie tuxpaint-data $tuxpaint/clouds_from_airplane.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-corn-maze 2 trixie tuxpaint-data $tuxpaint/corn_maze.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-jellyfish 2 trixie tuxpaint-data $tuxpaint/jellyfish.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-lighthouse 2 trixie tuxpaint-data $tuxpaint/lighthouse.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-lough-leane 2 trixie tuxpaint-data $tuxpaint/lough_leane.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-mossy-log 2 trixie tuxpaint-data $tuxpaint/mossy_log.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-ocean-splash 2 trixie tuxpaint-data $tuxpaint/ocean_splash.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-ocean-waves 2 trixie tuxpaint-data $tuxpaint/ocean_waves.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-rocks 2 trixie tuxpaint-data $tuxpaint/rocks.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-sheep 3 trixie tuxpaint-data $tuxpaint/sheep.jpg GPL-2+ Bill_Kendrick
other/train tuxpaint-wool-mill-machine 2 trixie tuxpaint-data $tuxpaint/wool_mill_machine.jpg GPL-2+ Bill_Kendrick
LIST
}

licences=free
out=
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        --licences) [ $# -ge 2 ] || die "--licences needs free or all"; licences=$2; shift 2 ;;
        --licences=*) licences=${1#*=}; shift ;;
        -*) die "unknown option $1 (see --help)" ;;
        *) [ -z "$out" ] || die "more than one output folder: $out, $1"; [ -n "$1" ] || die "the output folder is empty"; out=$1; shift ;;
    esac
done
case "$licences" in free | all) ;; *) die "--licences must be free or all, not '$licences'" ;; esac
if [ -z "$out" ]; then
    out=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/data/photographs
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
table=$out/LICENCES.tsv
header=$'file\tpackage\tversion\tpath in package\tlicence\tauthor\tfactor'

has_row() { [ -f "$table" ] && awk -F '\t' -v file="$1" '$1 == file { found = 1 } END { exit !found }' "$table"; }

wanted() { if [ "$licences" = all ]; then manifest; else manifest | grep '^free/'; fi; }

missing=()
total=0
while read -r split name rest; do
    total=$((total + 1))
    file=$split/$name.png
    if [ ! -s "$out/$file" ] || ! has_row "$file"; then missing+=("$split $name $rest"); fi
done < <(wanted)
[ "$total" -gt 0 ] || die "the list of pictures is empty"

if [ ${#missing[@]} -eq 0 ]; then
    log "all $total pictures are in $out already"
else
    for tool in apt-get dpkg-deb sed awk; do
        command -v "$tool" >/dev/null || die "$tool is missing: this script needs Debian"
    done
    temp=$(mktemp -d)
    trap 'rm -rf "$temp"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    chmod 755 "$temp" # apt's own user reads it

    if ! command -v vips >/dev/null || ! command -v vipsheader >/dev/null; then
        [ "$(id -u)" -eq 0 ] || die "vips is missing: install libvips-tools, or run this as root"
        log "installing libvips-tools"
        apt-get update -qq >"$temp/install.log" 2>&1 || { cat "$temp/install.log" >&2; die "apt-get update failed"; }
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libvips-tools >"$temp/install.log" 2>&1 ||
            { tail -n 20 "$temp/install.log" >&2; die "libvips-tools could not be installed"; }
    fi

    here=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ -n "$here" ] || die "/etc/os-release names no Debian release"

    # sid has no suites for updates and security: their lines, or their names and what stays without any.
    without_updates() {
        case "$1" in
            *.sources) sed -E "s/\\b$here-[a-z-]+//g" "$1" | awk 'BEGIN { RS = ""; ORS = "\n\n" } !/(^|\n)Suites:[[:space:]]*(\n|$)/' ;;
            *) grep -vE "[[:space:]]$here-" "$1" ;;
        esac
    }

    # A package tree of one Debian release: the machine's own sources with the release's name replaced.
    # Prints apt options that select it, one a line.
    tree() {
        local release=$1 folder=$temp/tree-$1 source found=0
        if [ ! -f "$folder/ready" ]; then
            mkdir -p "$folder/sources" "$folder/state/lists/partial" "$folder/cache/archives/partial"
            chmod -R go+rX "$folder"
            touch "$folder/state/status"
            for source in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
                if [ -f "$source" ] && grep -qE "^[^#]*[[:space:]]$here([[:space:]]|\$)" "$source"; then
                    if [ "$release" = sid ]; then without_updates "$source"; else cat "$source"; fi |
                        sed "s/\\b$here\\b/$release/g" >"$folder/sources/$found-${source##*/}"
                    found=$((found + 1))
                fi
            done
            [ "$found" -gt 0 ] || die "no apt source of this machine names its release, $here"
        fi
        printf '%s\n' -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$folder/sources" \
            -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
            -o "Dir::State=$folder/state" -o "Dir::State::status=$folder/state/status" -o "Dir::Cache=$folder/cache"
        if [ ! -f "$folder/ready" ]; then touch "$folder/new"; fi
    }

    # Fetches and unpacks a package of a release once, into $temp/RELEASE-PACKAGE; its version goes to $temp/RELEASE-PACKAGE.version.
    unpack() {
        local release=$1 package=$2 options text debs folder=$temp/$1-$2
        [ -f "$folder.version" ] && return
        text=$(tree "$release") || exit 1
        mapfile -t options <<<"$text"
        if [ -f "$temp/tree-$release/new" ]; then
            log "reading the package lists of $release"
            apt-get "${options[@]}" update -qq >"$temp/apt.log" 2>&1 ||
                { cat "$temp/apt.log" >&2; die "the package lists of $release could not be read"; }
            touch "$temp/tree-$release/ready"
            rm "$temp/tree-$release/new"
        fi
        log "fetching $package ($release)"
        mkdir -p "$temp/debs/$package" "$folder"
        chmod 777 "$temp/debs/$package"
        (cd "$temp/debs/$package" && apt-get "${options[@]}" download -qq "$package") >"$temp/apt.log" 2>&1 ||
            { cat "$temp/apt.log" >&2; die "$package of $release could not be fetched"; }
        debs=("$temp/debs/$package"/*.deb)
        [ ${#debs[@]} -eq 1 ] && [ -f "${debs[0]}" ] || die "expected one package file of $package, got: ${debs[*]}"
        dpkg-deb -x "${debs[0]}" "$folder" || die "$package could not be unpacked"
        dpkg-deb -f "${debs[0]}" Version >"$folder.version"
        rm "${debs[0]}"
    }

    # shrink SOURCE FACTOR TARGET.png
    shrink() {
        local source=$1 factor=$2 target=$3 width height bands
        vips autorot "$source" "$temp/a.v"
        vips colourspace "$temp/a.v" "$temp/b.v" srgb
        bands=$(vipsheader -f bands "$temp/b.v")
        [ "$bands" -eq 3 ] || die "$source has $bands channels, not 3"
        width=$(vipsheader -f width "$temp/b.v")
        height=$(vipsheader -f height "$temp/b.v")
        width=$((width / factor * factor))
        height=$((height / factor * factor))
        vips crop "$temp/b.v" "$temp/a.v" 0 0 "$width" "$height"
        vips cast "$temp/a.v" "$temp/b.v" float
        vips shrink "$temp/b.v" "$temp/a.v" "$factor" "$factor"
        vips round "$temp/a.v" "$temp/b.v" rint
        vips cast "$temp/b.v" "$temp/a.v" uchar
        vips copy "$temp/a.v" "$temp/b.v" --interpretation srgb
        vips pngsave "$temp/b.v" "$target" --compression 9 --strip
        [ "$(vipsheader -f width "$target")" -eq $((width / factor)) ] &&
            [ "$(vipsheader -f height "$target")" -eq $((height / factor)) ] &&
            [ "$(vipsheader -f bands "$target")" -eq 3 ] || die "$target has not the size or channels it should have"
        rm -f "$temp/a.v" "$temp/b.v"
    }

    for line in "${missing[@]}"; do
        read -r split name factor release package path licence author <<<"$line"
        unpack "$release" "$package"
        source=$temp/$release-$package/$path
        [ -f "$source" ] || die "$package $(cat "$temp/$release-$package.version") has no file $path"
        file=$split/$name.png
        mkdir -p "$out/$split"
        shrink "$source" "$factor" "$temp/picture.png"
        # The picture, then its row: one that has no row is written again by the next run.
        {
            echo "$header"
            {
                if [ -f "$table" ]; then awk -F '\t' -v file="$file" 'NR > 1 && $1 != file' "$table"; fi
                printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
                    "$file" "$package" "$(cat "$temp/$release-$package.version")" "$path" "$licence" "${author//_/ }" "$factor"
            } | sort
        } >"$temp/LICENCES.tsv"
        cp "$temp/picture.png" "$out/$file.part"
        mv "$out/$file.part" "$out/$file"
        cp "$temp/LICENCES.tsv" "$table.part"
        mv "$table.part" "$table"
    done
    log "wrote ${#missing[@]} of $total pictures to $out"
fi

# A held-out picture must not be in a training folder too (as it could after a change of the list above).
for file in "$out"/*/val/*.png; do
    for other in "$out"/*/train/"${file##*/}"; do
        [ ! -e "$other" ] || die "${file##*/} is both held out and for training: remove $other"
    done
done
for split in free/train free/val other/train; do
    if [ -d "$out/$split" ]; then
        files=("$out/$split"/*.png)
        log "$split: ${#files[@]} pictures"
    fi
done
