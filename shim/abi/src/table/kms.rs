//! Mode setting.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::{Field, SumOf};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, MakesFd, Plain, Pointer, Text, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, SUBMITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "drm/drm.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 31] = [
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETRESOURCES", "struct drm_mode_card_res", (b'd', 0xa0), 64)
        .effects(BLOCKS)
        .fields(&[
            field("fb_id_ptr", 0, 8, Plain),
            field("crtc_id_ptr", 8, 8, Plain),
            field("connector_id_ptr", 16, 8, Plain),
            field("encoder_id_ptr", 24, 8, Plain),
            field("count_fbs", 32, 4, Plain),
            field("count_crtcs", 36, 4, Plain),
            field("count_connectors", 40, 4, Plain),
            field("count_encoders", 44, 4, Plain),
            field("min_width", 48, 4, Plain),
            field("max_width", 52, 4, Plain),
            field("min_height", 56, 4, Plain),
            field("max_height", 60, 4, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETCRTC", "struct drm_mode_crtc", (b'd', 0xa1), 104)
        .effects(BLOCKS)
        .fields(&[
            field("set_connectors_ptr", 0, 8, Plain),
            field("count_connectors", 8, 4, Plain),
            field("crtc_id", 12, 4, Uses(Object::Crtc)),
            field("fb_id", 16, 4, Uses(Object::Framebuffer)),
            field("x", 20, 4, Plain),
            field("y", 24, 4, Plain),
            field("gamma_size", 28, 4, Plain),
            field("mode_valid", 32, 4, Plain),
            field("mode.clock", 36, 4, Plain),
            field("mode.hdisplay", 40, 2, Plain),
            field("mode.hsync_start", 42, 2, Plain),
            field("mode.hsync_end", 44, 2, Plain),
            field("mode.htotal", 46, 2, Plain),
            field("mode.hskew", 48, 2, Plain),
            field("mode.vdisplay", 50, 2, Plain),
            field("mode.vsync_start", 52, 2, Plain),
            field("mode.vsync_end", 54, 2, Plain),
            field("mode.vtotal", 56, 2, Plain),
            field("mode.vscan", 58, 2, Plain),
            field("mode.vrefresh", 60, 4, Plain),
            field("mode.flags", 64, 4, Plain),
            field("mode.type", 68, 4, Plain),
            field("mode.name", 72, 32, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_SETCRTC", "struct drm_mode_crtc", (b'd', 0xa2), 104)
        .effects(BLOCKS)
        .fields(&[
            field("set_connectors_ptr", 0, 8, Pointer),
            field("count_connectors", 8, 4, Count),
            field("crtc_id", 12, 4, Uses(Object::Crtc)),
            field("fb_id", 16, 4, Uses(Object::Framebuffer)),
            field("x", 20, 4, Plain),
            field("y", 24, 4, Plain),
            field("gamma_size", 28, 4, Plain),
            field("mode_valid", 32, 4, Plain),
            field("mode.clock", 36, 4, Plain),
            field("mode.hdisplay", 40, 2, Plain),
            field("mode.hsync_start", 42, 2, Plain),
            field("mode.hsync_end", 44, 2, Plain),
            field("mode.htotal", 46, 2, Plain),
            field("mode.hskew", 48, 2, Plain),
            field("mode.vdisplay", 50, 2, Plain),
            field("mode.vsync_start", 52, 2, Plain),
            field("mode.vsync_end", 54, 2, Plain),
            field("mode.vtotal", 56, 2, Plain),
            field("mode.vscan", 58, 2, Plain),
            field("mode.vrefresh", 60, 4, Plain),
            field("mode.flags", 64, 4, Plain),
            field("mode.type", 68, 4, Plain),
            field("mode.name", 72, 32, Plain),
        ])
        .follow(&[follow(
            "set_connectors_ptr",
            0,
            Field(8, 4),
            Array(4),
            &[field("", 0, 4, Uses(Object::Connector))],
        )]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CURSOR", "struct drm_mode_cursor", (b'd', 0xa3), 28)
        .effects(BLOCKS)
        .fields(&[
            field("flags", 0, 4, Flags),
            field("crtc_id", 4, 4, Uses(Object::Crtc)),
            field("x", 8, 4, Plain),
            field("y", 12, 4, Plain),
            field("width", 16, 4, Plain),
            field("height", 20, 4, Plain),
            field("handle", 24, 4, Uses(Object::Gem)),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CURSOR2", "struct drm_mode_cursor2", (b'd', 0xbb), 36)
        .effects(BLOCKS)
        .fields(&[
            field("flags", 0, 4, Flags),
            field("crtc_id", 4, 4, Uses(Object::Crtc)),
            field("x", 8, 4, Plain),
            field("y", 12, 4, Plain),
            field("width", 16, 4, Plain),
            field("height", 20, 4, Plain),
            field("handle", 24, 4, Uses(Object::Gem)),
            field("hot_x", 28, 4, Plain),
            field("hot_y", 32, 4, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETENCODER", "struct drm_mode_get_encoder", (b'd', 0xa6), 20)
        .effects(BLOCKS)
        .fields(&[
            field("encoder_id", 0, 4, Plain),
            field("encoder_type", 4, 4, Plain),
            field("crtc_id", 8, 4, Plain),
            field("possible_crtcs", 12, 4, Plain),
            field("possible_clones", 16, 4, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETCONNECTOR", "struct drm_mode_get_connector", (b'd', 0xa7), 80)
        .effects(BLOCKS)
        .fields(&[
            field("encoders_ptr", 0, 8, Plain),
            field("modes_ptr", 8, 8, Plain),
            field("props_ptr", 16, 8, Plain),
            field("prop_values_ptr", 24, 8, Plain),
            field("count_modes", 32, 4, Plain),
            field("count_props", 36, 4, Plain),
            field("count_encoders", 40, 4, Plain),
            field("encoder_id", 44, 4, Plain),
            field("connector_id", 48, 4, Uses(Object::Connector)),
            field("connector_type", 52, 4, Plain),
            field("connector_type_id", 56, 4, Plain),
            field("connection", 60, 4, Plain),
            field("mm_width", 64, 4, Plain),
            field("mm_height", 68, 4, Plain),
            field("subpixel", 72, 4, Plain),
            field("pad", 76, 4, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETPROPERTY", "struct drm_mode_get_property", (b'd', 0xaa), 64)
        .fields(&[
            field("values_ptr", 0, 8, Plain),
            field("enum_blob_ptr", 8, 8, Plain),
            field("prop_id", 16, 4, Uses(Object::Property)),
            field("flags", 20, 4, Flags),
            field("name", 24, 32, Text),
            field("count_values", 56, 4, Plain),
            field("count_enum_blobs", 60, 4, Plain),
        ]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_MODE_SETPROPERTY",
        "struct drm_mode_connector_set_property",
        (b'd', 0xab),
        16,
    )
    .effects(BLOCKS)
    .fields(&[
        field("value", 0, 8, Plain),
        field("prop_id", 8, 4, Uses(Object::Property)),
        field("connector_id", 12, 4, Uses(Object::Connector)),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_ADDFB", "struct drm_mode_fb_cmd", (b'd', 0xae), 28).fields(&[
        field("fb_id", 0, 4, Makes(Object::Framebuffer)),
        field("width", 4, 4, Plain),
        field("height", 8, 4, Plain),
        field("pitch", 12, 4, Plain),
        field("bpp", 16, 4, Plain),
        field("depth", 20, 4, Plain),
        field("handle", 24, 4, Uses(Object::Gem)),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_ADDFB2", "struct drm_mode_fb_cmd2", (b'd', 0xb8), 104).fields(&[
        field("fb_id", 0, 4, Makes(Object::Framebuffer)),
        field("width", 4, 4, Plain),
        field("height", 8, 4, Plain),
        field("pixel_format", 12, 4, Plain),
        field("flags", 16, 4, Flags),
        field("handles", 20, 16, Plain),
        field("pitches", 36, 16, Plain),
        field("offsets", 52, 16, Plain),
        field("modifier", 72, 32, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETFB2", "struct drm_mode_fb_cmd2", (b'd', 0xce), 104).fields(&[
        field("fb_id", 0, 4, Uses(Object::Framebuffer)),
        field("width", 4, 4, Plain),
        field("height", 8, 4, Plain),
        field("pixel_format", 12, 4, Plain),
        field("flags", 16, 4, Flags),
        field("handles", 20, 16, Plain),
        field("pitches", 36, 16, Plain),
        field("offsets", 52, 16, Plain),
        field("modifier", 72, 32, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_RMFB", "unsigned int", (b'd', 0xaf), 4)
        .effects(BLOCKS)
        .fields(&[field("", 0, 4, Ends(Object::Framebuffer))]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CLOSEFB", "struct drm_mode_closefb", (b'd', 0xd0), 8)
        .effects(BLOCKS)
        .fields(&[field("fb_id", 0, 4, Ends(Object::Framebuffer)), field("pad", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_PAGE_FLIP", "struct drm_mode_crtc_page_flip", (b'd', 0xb0), 24)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("crtc_id", 0, 4, Uses(Object::Crtc)),
            field("fb_id", 4, 4, Uses(Object::Framebuffer)),
            field("flags", 8, 4, Flags),
            field("reserved", 12, 4, Plain),
            field("user_data", 16, 8, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_DIRTYFB", "struct drm_mode_fb_dirty_cmd", (b'd', 0xb1), 24)
        .effects(BLOCKS)
        .fields(&[
            field("fb_id", 0, 4, Uses(Object::Framebuffer)),
            field("flags", 4, 4, Flags),
            field("color", 8, 4, Plain),
            field("num_clips", 12, 4, Plain),
            field("clips_ptr", 16, 8, Pointer),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CREATE_DUMB", "struct drm_mode_create_dumb", (b'd', 0xb2), 32)
        .fields(&[
            field("height", 0, 4, Plain),
            field("width", 4, 4, Plain),
            field("bpp", 8, 4, Plain),
            field("flags", 12, 4, Flags),
            field("handle", 16, 4, Makes(Object::Gem)),
            field("pitch", 20, 4, Plain),
            field("size", 24, 8, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_MAP_DUMB", "struct drm_mode_map_dumb", (b'd', 0xb3), 16).fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("pad", 4, 4, Plain),
        field("offset", 8, 8, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_DESTROY_DUMB", "struct drm_mode_destroy_dumb", (b'd', 0xb4), 4)
        .effects(BLOCKS)
        .fields(&[field("handle", 0, 4, Ends(Object::Gem))]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_MODE_GETPLANERESOURCES",
        "struct drm_mode_get_plane_res",
        (b'd', 0xb5),
        16,
    )
    .effects(BLOCKS)
    .fields(&[field("plane_id_ptr", 0, 8, Plain), field("count_planes", 8, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETPLANE", "struct drm_mode_get_plane", (b'd', 0xb6), 32)
        .effects(BLOCKS)
        .fields(&[
            field("plane_id", 0, 4, Uses(Object::Plane)),
            field("crtc_id", 4, 4, Uses(Object::Crtc)),
            field("fb_id", 8, 4, Uses(Object::Framebuffer)),
            field("possible_crtcs", 12, 4, Plain),
            field("gamma_size", 16, 4, Plain),
            field("count_format_types", 20, 4, Plain),
            field("format_type_ptr", 24, 8, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_SETPLANE", "struct drm_mode_set_plane", (b'd', 0xb7), 48)
        .effects(BLOCKS)
        .fields(&[
            field("plane_id", 0, 4, Uses(Object::Plane)),
            field("crtc_id", 4, 4, Uses(Object::Crtc)),
            field("fb_id", 8, 4, Uses(Object::Framebuffer)),
            field("flags", 12, 4, Flags),
            field("crtc_x", 16, 4, Plain),
            field("crtc_y", 20, 4, Plain),
            field("crtc_w", 24, 4, Plain),
            field("crtc_h", 28, 4, Plain),
            field("src_x", 32, 4, Plain),
            field("src_y", 36, 4, Plain),
            field("src_h", 40, 4, Plain),
            field("src_w", 44, 4, Plain),
        ]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_MODE_OBJ_GETPROPERTIES",
        "struct drm_mode_obj_get_properties",
        (b'd', 0xb9),
        32,
    )
    .effects(BLOCKS)
    .fields(&[
        field("props_ptr", 0, 8, Pointer),
        field("prop_values_ptr", 8, 8, Pointer),
        field("count_props", 16, 4, Count),
        field("obj_id", 20, 4, Uses(Object::ModeObject)),
        field("obj_type", 24, 4, Plain),
    ])
    .follow(&[
        follow("props_ptr", 0, Field(16, 4), Array(4), &[field("", 0, 4, Uses(Object::Property))]).output(),
        follow("prop_values_ptr", 8, Field(16, 4), Array(8), &[field("", 0, 8, Plain)]).output(),
    ]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_MODE_OBJ_SETPROPERTY",
        "struct drm_mode_obj_set_property",
        (b'd', 0xba),
        24,
    )
    .effects(BLOCKS)
    .fields(&[
        field("value", 0, 8, Plain),
        field("prop_id", 8, 4, Uses(Object::Property)),
        field("obj_id", 12, 4, Uses(Object::ModeObject)),
        field("obj_type", 16, 4, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_ATOMIC", "struct drm_mode_atomic", (b'd', 0xbc), 56)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("flags", 0, 4, Flags),
            field("count_objs", 4, 4, Count),
            field("objs_ptr", 8, 8, Pointer),
            field("count_props_ptr", 16, 8, Pointer),
            field("props_ptr", 24, 8, Pointer),
            field("prop_values_ptr", 32, 8, Pointer),
            field("reserved", 40, 8, Plain),
            field("user_data", 48, 8, Plain),
        ])
        .follow(&[
            follow("objs_ptr", 8, Field(4, 4), Array(4), &[field("", 0, 4, Uses(Object::ModeObject))]),
            follow("count_props_ptr", 16, Field(4, 4), Array(4), &[field("", 0, 4, Count)]),
            follow("props_ptr", 24, SumOf(2), Array(4), &[field("", 0, 4, Uses(Object::Property))]),
            follow("prop_values_ptr", 32, SumOf(2), Array(8), &[field("", 0, 8, Plain)]),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETPROPBLOB", "struct drm_mode_get_blob", (b'd', 0xac), 16).fields(
        &[
            field("blob_id", 0, 4, Uses(Object::Blob)),
            field("length", 4, 4, Plain),
            field("data", 8, 8, Pointer),
        ],
    ),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_GETGAMMA", "struct drm_mode_crtc_lut", (b'd', 0xa4), 32)
        .effects(BLOCKS)
        .fields(&[field("crtc_id", 0, 4, Uses(Object::Crtc)), field("gamma_size", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_SETGAMMA", "struct drm_mode_crtc_lut", (b'd', 0xa5), 32)
        .effects(BLOCKS)
        .fields(&[field("crtc_id", 0, 4, Uses(Object::Crtc)), field("gamma_size", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CREATEPROPBLOB", "struct drm_mode_create_blob", (b'd', 0xbd), 16)
        .fields(&[
            field("data", 0, 8, Pointer),
            field("length", 8, 4, Plain),
            field("blob_id", 12, 4, Makes(Object::Blob)),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_DESTROYPROPBLOB", "struct drm_mode_destroy_blob", (b'd', 0xbe), 4)
        .fields(&[field("blob_id", 0, 4, Ends(Object::Blob))]),
    ioctl(None, HEADER, "DRM_IOCTL_MODE_CREATE_LEASE", "struct drm_mode_create_lease", (b'd', 0xc6), 24)
        .effects(BLOCKS)
        .fields(&[
            field("object_ids", 0, 8, Pointer),
            field("object_count", 8, 4, Count),
            field("flags", 12, 4, Flags),
            field("lessee_id", 16, 4, Plain),
            field("fd", 20, 4, MakesFd(FdClass::Drm(Driver::Other))),
        ])
        .follow(&[follow(
            "object_ids",
            0,
            Field(8, 4),
            Array(4),
            &[field("", 0, 4, Uses(Object::ModeObject))],
        )]),
];
