"""The device types that Netmiko speaks and we do not: key, name, vendor, and whether it knows their Telnet login too.

Keys are Netmiko's. A test compares the table with the installed Netmiko.
"""

#: key | name | vendor | telnet
TYPES = """\
a10 | A10 ACOS | A10 |
accedian | Accedian | Accedian |
adtran_os | Adtran OS | Adtran | yes
adva_fsp150f2 | Adva FSP150F2 | Adva |
adva_fsp150f3 | Adva FSP150F3 | Adva |
alaxala_ax26s | AlaxalA AX26S | AlaxalA |
alaxala_ax36s | AlaxalA AX36S | AlaxalA |
alcatel_aos | Alcatel AOS | Alcatel |
alcatel_sros | Alcatel SROS | Alcatel |
allied_telesis_awplus | Allied Telesis AlliedWare Plus | Allied Telesis |
apc_aos | APC AOS | APC |
apresia_aeos | Apresia AEOS | Apresia | yes
arris_cer | Arris CER | Arris |
aruba_aoscx | Aruba AOS-CX | Aruba |
aruba_os | Aruba ArubaOS | Aruba |
aruba_osswitch | Aruba AOS-Switch | Aruba |
aruba_procurve | Aruba ProCurve | Aruba | yes
asterfusion_asternos | Asterfusion ASTERNOS | Asterfusion |
audiocode_66 | AudioCodes 66 | AudioCodes | yes
audiocode_72 | AudioCodes 72 | AudioCodes | yes
audiocode_shell | AudioCodes SHELL | AudioCodes | yes
avara_aos | Avara AOS | Avara |
avaya_ers | Avaya ERS | Avaya |
avaya_vsp | Avaya VSP | Avaya |
aviat_wtm | Aviat WTM | Aviat |
bintec_boss | bintec BOSS | bintec | yes
broadcom_icos | Broadcom ICOS | Broadcom |
brocade_fastiron | Brocade FASTIRON | Brocade | yes
brocade_fos | Brocade FOS | Brocade |
brocade_netiron | Brocade NETIRON | Brocade | yes
brocade_nos | Brocade NOS | Brocade |
brocade_vdx | Brocade VDX | Brocade |
brocade_vyos | Brocade VYOS | Brocade |
calix_b6 | Calix B6 | Calix | yes
calix_exa | Calix EXA | Calix | yes
casa_cmts | Casa CMTS | Casa |
cdot_cros | C-DOT CROS | C-DOT |
centec_os | Centec OS | Centec | yes
checkpoint_gaia | Check Point Gaia | Check Point |
ciena_saos | Ciena SAOS | Ciena | yes
ciena_saos10 | Ciena SAOS10 | Ciena |
ciena_waveserver | Ciena WAVESERVER | Ciena |
cisco_ap | Cisco AP | Cisco |
cisco_apic | Cisco APIC | Cisco |
cisco_asa | Cisco ASA | Cisco |
cisco_ftd | Cisco FTD | Cisco |
cisco_ioswlc | Cisco WLC (IOS) | Cisco | yes
cisco_nxos | Cisco NX-OS | Cisco | yes
cisco_s200 | Cisco S200 | Cisco | yes
cisco_s300 | Cisco S300 | Cisco | yes
cisco_s500 | Cisco S500 | Cisco | yes
cisco_tp | Cisco TP | Cisco |
cisco_viptela | Cisco Viptela | Cisco |
cisco_wlc | Cisco WLC (AireOS) | Cisco |
cisco_xe | Cisco IOS XE | Cisco | yes
cisco_xr | Cisco IOS XR | Cisco | yes
cloudgenix_ion | CloudGenix ION | CloudGenix |
corelight_linux | Corelight LINUX | Corelight |
coriant | Coriant | Coriant |
cumulus_linux | Cumulus Linux | Cumulus |
dell_dnos9 | Dell DNOS9 | Dell |
dell_force10 | Dell FORCE10 | Dell |
dell_isilon | Dell ISILON | Dell |
dell_os10 | Dell OS10 | Dell |
dell_os6 | Dell OS6 | Dell |
dell_os9 | Dell OS9 | Dell |
dell_powerconnect | Dell POWERCONNECT | Dell | yes
dell_sonic | Dell SONIC | Dell |
digi_transport | Digi TRANSPORT | Digi |
dlink_ds | D-Link DS | D-Link | yes
edgecore_sonic | Edgecore SONIC | Edgecore |
ekinops_ek360 | Ekinops EK360 | Ekinops |
eltex | Eltex | Eltex |
eltex_esr | Eltex ESR | Eltex |
endace | Endace | Endace |
enterasys | Enterasys | Enterasys |
ericsson_ipos | Ericsson IPOS | Ericsson |
ericsson_mltn63 | Ericsson MLTN63 | Ericsson |
ericsson_mltn66 | Ericsson MLTN66 | Ericsson |
extreme | Extreme (EXOS) | Extreme | yes
extreme_ers | Extreme ERS | Extreme |
extreme_exos | Extreme EXOS | Extreme | yes
extreme_netiron | Extreme NETIRON | Extreme | yes
extreme_nos | Extreme NOS | Extreme |
extreme_slx | Extreme SLX | Extreme |
extreme_tierra | Extreme TIERRA | Extreme |
extreme_vdx | Extreme VDX | Extreme |
extreme_vsp | Extreme VSP | Extreme |
extreme_wing | Extreme WING | Extreme |
f5_linux | F5 Linux | F5 |
f5_ltm | F5 LTM | F5 |
f5_tmsh | F5 TMSH | F5 |
fiberstore_fsos | FS FSOS | FS |
fiberstore_fsosv2 | FS FSOSV2 | FS | yes
fiberstore_networkos | FS NETWORKOS | FS |
flexvnf | Versa FlexVNF | Versa |
fortinet | Fortinet FortiOS | Fortinet |
fsas_sir | Fsas SIR | Fsas |
fujitsu_sir | Fujitsu SIR | Fujitsu |
furukawa_fitelnet | Furukawa FITELNET | Furukawa | yes
garderos_grs | Garderos GRS | Garderos |
generic | Generic command line | Generic | yes
generic_termserver | Generic terminal server | Generic | yes
h3c_comware | H3C Comware | H3C |
hillstone_stoneos | Hillstone STONEOS | Hillstone |
hirschmann_hios | Hirschmann HIOS | Hirschmann |
hp_comware | HPE Comware | HPE | yes
hp_procurve | HPE ProCurve | HPE | yes
huawei | Huawei | Huawei | yes
huawei_olt | Huawei OLT | Huawei | yes
huawei_ont | Huawei ONT | Huawei | yes
huawei_smartax | Huawei SMARTAX | Huawei |
huawei_smartaxmmi | Huawei SMARTAXMMI | Huawei |
huawei_vrp | Huawei VRP | Huawei |
huawei_vrpv8 | Huawei VRP 8 | Huawei |
iij_seilos | IIJ SEILOS | IIJ | yes
infinera_packet | Infinera PACKET | Infinera | yes
ipinfusion_ocnos | IP Infusion OCNOS | IP Infusion | yes
juniper | Juniper (old name) | Juniper |
juniper_screenos | Juniper ScreenOS | Juniper |
keymile | Keymile | Keymile |
keymile_nos | Keymile NOS | Keymile |
lancom_lcossx4 | LANCOM LCOSSX4 | LANCOM |
lancom_lcossx5 | LANCOM LCOSSX5 | LANCOM |
maipu | Maipu | Maipu | yes
mellanox | Mellanox | Mellanox |
mellanox_mlnxos | Mellanox MLNXOS | Mellanox |
mikrotik_routeros | MikroTik RouterOS | MikroTik |
mikrotik_switchos | MikroTik SwitchOS | MikroTik |
moxa_nos | Moxa NOS | Moxa |
mrv_lx | MRV LX | MRV |
mrv_optiswitch | MRV OPTISWITCH | MRV |
nec_ix | NEC IX | NEC | yes
netapp_cdot | NetApp CDOT | NetApp |
netgear_prosafe | NETGEAR PROSAFE | NETGEAR |
netscaler | Citrix NetScaler | Citrix |
nokia_isam | Nokia ISAM | Nokia |
nokia_srl | Nokia SR Linux | Nokia |
nokia_sros | Nokia SR OS | Nokia | yes
oneaccess_oneos | OneAccess ONEOS | OneAccess | yes
opengear_linux | Opengear LINUX | Opengear |
ovs_linux | Open vSwitch LINUX | Open vSwitch |
paloalto_panos | Palo Alto Networks PAN-OS | Palo Alto Networks | yes
perle_iolan | Perle IOLAN | Perle |
pluribus | Pluribus | Pluribus |
quanta_mesh | Quanta MESH | Quanta |
rad_etx | RAD ETX | RAD | yes
raisecom_roap | Raisecom ROAP | Raisecom |
raisecom_ros | Raisecom ROS | Raisecom | yes
ruckus_fastiron | Ruckus FASTIRON | Ruckus | yes
ruijie_os | Ruijie OS | Ruijie | yes
silverpeak_vxoa | Silver Peak VXOA | Silver Peak |
sixwind_os | 6WIND OS | 6WIND |
smartoptics_dwdm | Smartoptics DWDM | Smartoptics |
sophos_sfos | Sophos SFOS | Sophos |
supermicro_smis | Supermicro SMIS | Supermicro | yes
telcosystems_binos | Telcosystems BINOS | Telcosystems | yes
teldat_cit | Teldat CIT | Teldat | yes
tplink_jetstream | TP-Link JETSTREAM | TP-Link | yes
ubiquiti_edge | Ubiquiti EDGE | Ubiquiti |
ubiquiti_edgerouter | Ubiquiti EdgeRouter | Ubiquiti |
ubiquiti_edgeswitch | Ubiquiti EdgeSwitch | Ubiquiti |
ubiquiti_unifiswitch | Ubiquiti UNIFISWITCH | Ubiquiti |
vertiv_mph | Vertiv MPH | Vertiv |
vyatta_vyos | Vyatta VYOS | Vyatta |
vyos | VyOS | VyOS |
watchguard_fireware | WatchGuard FIREWARE | WatchGuard |
yamaha | Yamaha | Yamaha | yes
zpe_nodegrid | ZPE NODEGRID | ZPE |
zte_zxros | ZTE ZXROS | ZTE | yes
zyxel_os | Zyxel OS | Zyxel |
"""
